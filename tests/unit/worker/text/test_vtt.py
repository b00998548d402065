"""WebVTT by the W3C's rules for parsers, in the cases that web platform tests go through."""

import pytest

from videojob_worker.text.vtt import read

ONE = (0, 1000, "text")


def cues(text: str) -> list[tuple[int, int, str]]:
    return [(cue.start_ms, cue.end_ms, cue.text) for cue in read(text.split("\n"), lambda *_: None)]


def told(text: str) -> list[tuple[int, str]]:
    said: list[tuple[int, str]] = []
    list(read(text.split("\n"), lambda line, what: said.append((line, what))))
    return said


@pytest.mark.parametrize(
    "text",
    [
        "WEBVTT\n\n00:00.000 --> 00:01.000\ntext\n",
        "WEBVTT\n00:00.000 --> 00:01.000\ntext",  # right after the header
        "WEBVTT a title\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\n00:00.000 --> 00:01.000\ntext",
        "WEBVTT\n\n\n\n\n00:00.000 --> 00:01.000\ntext",
        "WEBVTT\n\nid\n00:00.000 --> 00:01.000\ntext",
        "WEBVTT\n\n00:00.000-->00:01.000\ntext",
        "WEBVTT\n\n \t00:00.000\t-->\t00:01.000 \ntext",
        "WEBVTT\n\n00:00:00.000 --> 000:00:01.000\ntext",
        "WEBVTT\n\n00:00.000 --> 00:01.000 unknown:1 line:nan align: :x position:50%,line-left\ntext",
        "WEBVTT\n\n00:00.000 --> 00:01.000line:0\ntext",
        "WEBVTT\n\nNOTE a\nb\n\nSTYLE\n::cue {}\n\nREGION\nid:a\n\n00:00.000 --> 00:01.000 region:a\ntext",
        "WEBVTT\n\n00:00.000 --> 00:61.000\nno\n\n00:00.000 --> 00:01.000\ntext",
        "WEBVTT\n\nno\nno\n\n00:00.000 --> 00:01.000\ntext",
        "WEBVTT\n\nno\nno\n00:00.000 --> 00:01.000\ntext",
        "WEBVTT\n\nNOTE 00:05.000 --> 00:06.000\n00:00.000 --> 00:01.000\ntext",
    ],
)
def test_what_the_rules_read_is_read(text):
    assert cues(text) == [ONE]


def test_a_line_with_an_arrow_ends_the_cue_before_it():
    text = "WEBVTT\n\n00:00.000 --> 00:01.000\ntext\n00:02.000 --> 00:03.000\nid\n00:04.000 --> 00:05.000\nlast"
    assert cues(text) == [ONE, (2000, 3000, "id"), (4000, 5000, "last")]


@pytest.mark.parametrize(
    "time",
    [
        "0:00.000 --> 00:01.000",
        "00:00,000 --> 00:01,000",
        "00:00.00 --> 00:01.00",
        "00:00.0000 --> 00:01.000",
        "00:60.000 --> 01:00.000",
        "00:00.000 -> 00:01.000",
        "1:00:00.000 --> 1:00:01.000",
        "00:00.000 --> ",
    ],
)
def test_a_time_that_is_none_leaves_its_cue_out_and_is_told(time):
    text = f"WEBVTT\n\n{time}\nno\n\n00:00.000 --> 00:01.000\ntext"
    assert cues(text) == [ONE]
    [(line, what)] = told(text)
    assert line == 3
    assert "no time" in what


def test_what_is_not_odd_is_not_told():
    assert told("WEBVTT - a title\nkind: captions\n\nNOTE\n\nSTYLE\na\n\nid\n00:00.000 --> 00:01.000\ntext\n") == []
    assert told("WEBVTT\n\n00:01.000 --> 00:01.000\ntext") == [
        (3, "the cue ends no later than it starts, and is never seen")
    ]


@pytest.mark.parametrize(
    ("written", "plain", "markup"),
    [
        ("<v.loud Ana>Salt &amp; <i>pepper</i>", "Salt & pepper", r"Salt & {\i1}pepper{\i0}"),
        ("a <00:01.500>b<c.red>c<c.lime.x>d</c>e</c>", "a bcde", r"a b{\c&H0000FF&}c{\c&H00FF00&}d{\c&H0000FF&}e{\c}"),
        ("<b>a</i>b</b>c", "abc", r"{\b1}ab{\b0}c"),
        ("1 <3 you", "1 ", "1 "),
        ("<x>a</x><s>b</s>", "ab", "ab"),
        ("<ruby>漢<rt>kan</ruby>字", "漢kan字", "漢kan字"),
        ("a &lt;b&gt; &nbsp;&#x41; &unknown;", "a <b> \u00a0A &unknown;", "a <b> \u00a0A &unknown;"),
        ("a <b", "a ", r"a {\b1}"),
    ],
)
def test_tags_are_those_of_the_rules(written, plain, markup):
    [cue] = read(f"WEBVTT\n\n00:00.000 --> 00:01.000\n{written}".split("\n"), lambda *_: None)
    assert (cue.text, cue.markup) == (plain, markup)


@pytest.mark.parametrize(
    ("settings", "text", "place"),
    [
        ("line:0", "a", 8),
        ("line:-1", "a", 2),
        ("line:50% align:start", "a", 4),
        ("align:end", "a", 3),
        ("align:start", "שלום", 3),
        ("align:left", "שלום", 1),
        ("line:1e1", "a", None),
        ("line:inf", "a", None),
    ],
)
def test_line_and_align_choose_one_of_nine_places(settings, text, place):
    [cue] = read(f"WEBVTT\n\n00:00.000 --> 00:01.000 {settings}\n{text}".split("\n"), lambda *_: None)
    assert cue.markup == ("" if place is None else f"{{\\an{place}}}") + text
