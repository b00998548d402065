"""Files of subtitles: SRT, WebVTT and ASS as other programs read them, and what is wrong with one named by its line."""

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.render.captioned import HEAD, HEIGHT, OVERLAPPING, URI, bounds, event, over
from videojob_contract.errors import PermanentError, Reason
from videojob_worker.media.files.source import Source
from videojob_worker.text.reading import MAX_BYTES, SubtitleFormat, read_cues

VTT = """\ufeffWEBVTT - a title

NOTE nobody sees
this

STYLE
::cue { color: red }

name of the cue
00:01.000 --> 00:02.500 line:0 align:start
<v Ana>Salt &amp; <i>pepper</i> <00:01.500>&lt;now&gt;

01:00:01.000 --> 01:00:02.500
second
line
"""


def test_vtt_is_read_with_its_places_tags_and_entities(opened):
    captions = opened(VTT)
    assert [(cue.start_s, cue.end_s, cue.text) for cue in captions.cues] == [
        (1, Fraction(5, 2), "Salt & pepper <now>"),
        (3601, Fraction(7205, 2), "second\nline"),
    ]
    left, _, _, bottom = bounds(over(captions, "1").any(axis=2))
    assert left < 20
    assert bottom < HEIGHT / 2


def test_srt_is_read_as_it_is_found(tmp_path):
    text = (
        "\n1\n0:00:01,5 --> 0:00:02.250  X1:1 X2:2 Y1:1 Y2:2\n{\\an8}<I>Ä</I> {\\fs99}\\N <3 <x>\n \n"
        "00:00:03,000 --> 00:00:04,000\n<font face='x' color=red>red</font>\nlast"
    )
    for data in (
        text.encode(),
        text.replace("\n", "\r\n").encode("utf-8-sig"),
        text.encode("utf-16"),
        text.encode("cp1252"),
    ):
        (tmp_path / "a").write_bytes(data)
        form, _, cues = read_cues(Source("spec.subtitles.uri", URI, tmp_path / "a"), None)
        assert form is SubtitleFormat.SRT
        assert [(cue.start_ms, cue.end_ms, cue.text) for cue in cues] == [
            (1500, 2250, "Ä \\N <3 <x>"),
            (3000, 4000, "red\nlast"),
        ]
        assert cues[0].markup == "{\\an8}{\\i1}Ä{\\i0} \\\u2060N <3 <x>"
        assert cues[1].markup == "{\\c&H0000FF&}red{\\c}\\Nlast"


def test_an_ass_script_says_its_text_without_tags_and_drawings(opened):
    captions = opened(
        HEAD + event(r"{\i1}One,{\i0} two\Nthree {\p1}m 0 0 l 5 5{\p0}four") + event("a", "0:00:05.00", "0:00:06.00")
    )
    assert captions.cues[0].text == "One, two\nthree four"


def by_ffmpeg(tmp_path: Path, text: str, kind: str) -> list[tuple[int, int]]:
    """When ffmpeg's demuxer shows the cues of a file, in milliseconds."""
    (tmp_path / "theirs").write_bytes(text.encode())
    command = ["ffprobe", "-v", "error", "-f", kind, "-show_entries", "packet=pts_time,duration_time", "-of", "json"]
    packets = json.loads(subprocess.run([*command, str(tmp_path / "theirs")], check=True, capture_output=True).stdout)
    times = [(round(float(p["pts_time"]) * 1000), round(float(p["duration_time"]) * 1000)) for p in packets["packets"]]
    return [(start, start + length) for start, length in times if length > 0]


def ours(tmp_path: Path, text: str) -> list[tuple[int, int]]:
    (tmp_path / "ours").write_bytes(text.encode())
    _, _, cues = read_cues(Source("spec.subtitles.uri", URI, tmp_path / "ours"), None)
    return [(cue.start_ms, cue.end_ms) for cue in cues]


@st.composite
def srt_files(draw: st.DrawFn) -> str:
    """SRT as programs write it: with numbers or without, one line end or another, empty lines here and there."""
    numbered, line_end = draw(st.booleans()), draw(st.sampled_from(["\n", "\r\n"]))
    lines: list[str] = draw(st.lists(st.just(""), max_size=2))
    for number in range(draw(st.integers(1, 4))):
        start, end = number * 3_723_456 + 1000, number * 3_723_456 + draw(st.integers(1001, 90_000))
        point = draw(st.sampled_from(",."))
        lines += [str(number + 1)] if numbered else []
        lines.append(draw(st.sampled_from([" --> ", "  -->  "])).join(_stamp(at, point) for at in (start, end)))
        lines += draw(st.lists(st.text("ab é", min_size=1, max_size=8).filter(str.strip), min_size=1, max_size=3))
        lines += draw(st.lists(st.just(""), max_size=3))
        lines += ["again"] if draw(st.booleans()) else []
    return line_end.join(lines) + line_end


def _stamp(at_ms: int, point: str) -> str:
    seconds, rest = divmod(at_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(srt_files())
def test_an_srt_file_has_the_cues_that_ffmpeg_finds_in_it(tmp_path, text):
    assert ours(tmp_path, text) == by_ffmpeg(tmp_path, text, "srt")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("WEBVTT\n\n00:00.000 --> 00:01.000 x:1\na\n\nNOTE b\n\n1\n00:02.000 --> 00:03.000\nb\n", "webvtt"),
        (HEAD + event("a") + event("b", "0:00:01.5", "0:00:03.00") + event("c", "0:00:09.00", "0:00:08.00"), "ass"),
        (HEAD.replace("PlayResY: 180", "PlayResY: 0") + "Comment: 0\n" + event("{\\an8}a"), "ass"),
    ],
)
def test_webvtt_and_ass_files_have_the_cues_that_ffmpeg_finds_in_them(tmp_path, text, kind):
    assert ours(tmp_path, text) == by_ffmpeg(tmp_path, text, kind)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the file is empty"),
        ("\n \n", "the file is empty"),
        ("Hello\n", 'line 1: "Hello" begins neither SRT, WebVTT nor ASS, and no line has a time'),
        ("1\n00:00:02,000 --> 00:00:01,000\na\n", "line 4: the file ends, and has no cue of SRT"),
        ("WEBVTT\n\nNOTE\n", "line 4: the file ends, and has no cue of WebVTT"),
        ("[Script Info]\n", "line 2: the file ends, and has no cue of ASS"),
        (HEAD + "Dialogue: 0,0:00:01.00\n", "line 13: the file ends, and has no cue of ASS"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(opened, text, message):
    with pytest.raises(
        PermanentError, match=f"spec.subtitles.uri: {URI} cannot be read as subtitles: .*{message}"
    ) as raised:
        opened(text)
    assert raised.value.reason is Reason.INVALID_MEDIA


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (HEAD + event(r"{\fs10000}Hello"), "letters 10000 pixels high are too large for 5 of them"),
        (HEAD + event(r"{\t(\fscx100000)}Hello"), "letters 20000 pixels high"),
        (HEAD.replace("Sans,20", "Sans,9999") + event("a"), "line 8: letters 9999 pixels high"),
        (HEAD.replace("PlayResY: 180", "PlayResY: 1") + event("a"), "line 8: "),
        (HEAD + event(r"{\bord500}a"), "an outline is wider than half of the script's height"),
        (HEAD + event(r"{\p1}m 0 0 l 5000 0 5000 5000"), "a drawing reaches further"),
        (HEAD + event(r"{\p1\fscx4000}m 0 0 l 100 0 100 100"), "a drawing reaches further"),
        (HEAD + event(r"{\fs1e999}a"), "1e999 is too large"),
        (HEAD + event("a") * 2001, "shows more than 2000 cues at the same time, 0 s"),
        (HEAD + event(r"{\fs180}a") * 65, "shows too many large letters at the same time, 0 s"),
        (
            HEAD.replace("Sans,20", "Sans,700").replace("Default,D", "Big,D") + event(r"{\rBig}abc"),
            "letters 700 pixels",
        ),
    ],
)
def test_a_script_cannot_ask_for_unbounded_memory(opened, script, message):
    with pytest.raises(PermanentError, match=message):
        opened(script)


def test_a_file_has_a_largest_size_and_a_largest_number_of_cues(opened):
    with pytest.raises(PermanentError, match="subtitles have at most 10 MiB"):
        opened(b"1" * (MAX_BYTES + 1))
    with pytest.raises(PermanentError, match="has 50001 cues; at most 50000"):
        opened("1\n00:00:01,000 --> 00:00:02,000\na\n\n" * 50_001)


def test_a_script_with_damaged_headers_is_refused_by_its_name(opened):
    styles = HEAD.index("[V4+ Styles]")
    damaged = "[Script Info]\nTitle:" + HEAD[styles:] + event("a")
    with pytest.raises(PermanentError, match=r"spec\.subtitles\.uri: .* is no ASS script .* headers are damaged"):
        opened(damaged)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    base=st.sampled_from([OVERLAPPING, VTT, HEAD + event(r"{\an8\t(\fs30)}a{\p1}m 0 0 l 5 5")]),
    cuts=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 20), st.binary(max_size=8)), max_size=4),
)
def test_a_file_that_is_damaged_anywhere_is_read_or_refused_and_drawn(opened, base, cuts):
    data = base.encode()
    for at, length, replacement in cuts:
        data = data[:at] + replacement + data[at + length :]
    try:
        captions = opened(data)
    except PermanentError:
        return
    painter = captions.painter()
    for at in (0, 1, 2, 4):
        painter.sprites(Fraction(at))
