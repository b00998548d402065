"""SubRip as it is found: every way to write it that players play."""

import pytest

from videojob_worker.text.srt import read

FIRST, SECOND = (1000, 3000, "First line\nsecond line"), (4000, 6000, "Another")
PLAIN = """1
00:00:01,000 --> 00:00:03,000
First line
second line

2
00:00:04,000 --> 00:00:06,000
Another
"""


def cues(text: str) -> tuple[list[tuple[int, int, str]], list[tuple[int, str]]]:
    said: list[tuple[int, str]] = []
    found = list(read(text.split("\n"), lambda line, what: said.append((line, what))))
    return [(cue.start_ms, cue.end_ms, cue.text) for cue in found], said


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("second line\n\n2\n", "second line\n2\n"),  # no empty line between cues
        PLAIN.replace("second line\n\n2\n", "second line\n\n\n2\n\n"),  # one behind the number
        PLAIN.replace("1\n0", "0", 1).replace("2\n0", "0"),  # no numbers
        PLAIN.replace("1\n0", "0", 1),  # the first number is missing
        PLAIN.replace("2\n0", "1\n0"),  # the same number twice
        PLAIN.replace("2\n0", "77\n0"),
        PLAIN.replace(" --> ", "-->"),
        PLAIN.replace(" --> ", " -> "),
        PLAIN.replace("-->", "\u2013>"),
        PLAIN.replace(",000", ".000"),
        PLAIN.replace(",000", ""),
        PLAIN.replace(",000", ",0"),
        PLAIN.replace(",000", ".000000"),
        PLAIN.replace("00:00:0", "0:0:"),
        PLAIN.replace("00:00:0", "00:0"),
        PLAIN.replace(":0", ": 0"),
        PLAIN.replace("\n0", "\n  0"),
        PLAIN.replace("00:00:03,000", "00:00:03,000  X1:1 X2:2 Y1:1 Y2:2"),
        PLAIN.replace("00:00:03,000", "00:00:03,000 align:start line:0"),
        PLAIN.rstrip("\n"),
        "\n\n" + PLAIN + "\n\n3\n",  # the number of a cue that is not there
    ],
)
def test_each_way_to_write_a_cue_gives_the_same(text):
    assert cues(text) == ([FIRST, SECOND], [])


def test_a_number_that_is_said_is_not_the_number_of_a_cue():
    text = "1\n00:00:01,000 --> 00:00:02,000\n1984\n\n2\n00:00:03,000 --> 00:00:04,000\nIn\n1985\n\n3\n"
    assert [said for *_, said in cues(text)[0]] == ["1984", "In\n1985"]
    for end in ("", "\n", "\n\n"):
        assert cues(PLAIN.rstrip().replace("Another", "1984") + end)[0] == [FIRST, (4000, 6000, "1984")]
    without = "00:00:01,000 --> 00:00:02,000\n1984\n\n00:00:03,000 --> 00:00:04,000\n2\n00:00:05,000 --> 00:00:06,000\n"
    assert [said for *_, said in cues(without)[0]] == ["1984", "2", ""]


def test_an_empty_line_within_a_cue_stays_in_it_and_is_told():
    found, said = cues(PLAIN.replace("First line\n", "First line\n\n\n"))
    assert found == [(1000, 3000, "First line\n\nsecond line"), SECOND]
    assert said == [(2, "the cue has empty lines, and what follows them is drawn with it")]


@pytest.mark.parametrize(
    ("text", "left", "line", "what"),
    [
        (PLAIN.replace("00:00:01,000", "-00:00:01,000"), [(0, *FIRST[1:]), SECOND], 2, "starts before zero"),
        (PLAIN.replace("00:00:01,000", "00:00:03,000"), [SECOND], 2, "is never seen"),
        (PLAIN.replace("00:00:01,000", "00:00:9x,000"), [SECOND], 2, '"00:00:9x,000 --> 00:00:03,000" is no time'),
        (PLAIN.replace("Another", "a" * 5000), [FIRST], 7, "more than 4096 characters"),
        ("Subtitles by Ana\n" + PLAIN, [FIRST, SECOND], 1, '"Subtitles by Ana" stands before the first time'),
        (PLAIN.replace("03,000", "03,000 Hello"), [FIRST, SECOND], 2, '"Hello" stands behind the time'),
    ],
)
def test_what_is_odd_is_told_by_its_line_and_the_rest_is_read(text, left, line, what):
    found, [(at, said)] = cues(text)
    assert found == left
    assert at == line
    assert what in said


def test_an_arrow_that_is_said_starts_no_cue():
    assert cues(PLAIN.replace("Another", "A --> B"))[0] == [FIRST, (4000, 6000, "A --> B")]


def test_tags_go_back_to_what_was_around_them():
    text = "1\n00:00:01,000 --> 00:00:02,000\n<font color=red>a<font color=blue>b</font>c</font></i>&amp; AT&T <3\n"
    [cue] = read(text.split("\n"), lambda *_: None)
    assert cue.text == "abc& AT&T <3"
    assert cue.markup == r"{\c&H0000FF&}a{\c&HFF0000&}b{\c&H0000FF&}c{\c}& AT&T <3"
