"""Subtitles: read strictly, shown to the exact frame, and drawn as ffmpeg's own filter draws them."""

import hashlib
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.render.studio import decode as decode_video
from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.text import Subtitles
from videojob_worker.media.source import Source
from videojob_worker.project import Look
from videojob_worker.text.captions import Captions, open_captions
from videojob_worker.text.cues import LineError
from videojob_worker.text.fonts import Fonts
from videojob_worker.text.reading import MAX_BYTES, Format, decode, read_cues
from videojob_worker.text.wrapping import wrap

WIDTH, HEIGHT = 320, 180
URI = "volume://media/a.srt"
ONE = "1\n00:00:01,000 --> 00:00:02,500\nHello\n"
STYLE_FIELDS = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, "
    "Encoding"
)
HEAD = f"""[Script Info]
ScriptType: v4.00+
PlayResX: 320
PlayResY: 180

[V4+ Styles]
Format: {STYLE_FIELDS}
Style: Default,DejaVu Sans,20,&H0000FFFF,&H00FFFFFF,&H00FF0000,&H80000000,0,0,0,0,100,100,0,0,1,2,2,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
Pixels = npt.NDArray[np.uint8]
Open = Callable[..., Captions]


def event(text: str, start: str = "0:00:00.00", end: str = "0:00:05.00", effect: str = "") -> str:
    return f"Dialogue: 0,{start},{end},Default,,0,0,0,{effect},{text}\n"


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Open subtitles from their text, with a style."""

    def make(text: str | bytes, *, files: dict[str, Path] | None = None, **style: Any) -> Captions:
        path = tmp_path / "source-0"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        subtitles = Subtitles.model_validate({"uri": URI, "style": style or None})
        source = Source("spec.subtitles.uri", URI, path)
        return open_captions(source, subtitles, Look(WIDTH, HEIGHT, "#000000"), Fonts(files or {}))

    return make


def over(captions: Captions, at_s: Fraction | str, background: int = 0) -> Pixels:
    """What a grey canvas looks like at a moment, as `(height, width, 3)`."""
    canvas = np.full((HEIGHT, WIDTH, 3), background, np.float64)
    for x, y, sprite in captions.painter().sprites(Fraction(at_s)):
        height, width = sprite.shape[:2]
        assert 0 <= x <= WIDTH - width
        assert 0 <= y <= HEIGHT - height
        below = canvas[y : y + height, x : x + width]
        alpha = sprite[:, :, 3:] / 255
        below[:] = below * (1 - alpha) + sprite[:, :, :3] * alpha
    return np.rint(canvas).astype(np.uint8)


def bounds(mask: Any) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def by_ffmpeg(file: Path, options: str = "", at: str = "1", background: str = "gray") -> Pixels:
    """The same moment, drawn by ffmpeg's filter."""
    source = f"color=c={background}:s={WIDTH}x{HEIGHT}:r=25:d=8,format=rgb24"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"{source},subtitles=f={file}{options}", "-ss", at]
    command += ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    output = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(output, np.uint8).reshape(HEIGHT, WIDTH, 3)


# ---- drawn as another program draws them


@pytest.mark.parametrize(
    "text",
    [
        "Hello, world!",
        r"{\an7\c&H00FF00&\b1}Green\N{\r\i1}and more",
        r"{\pos(160,90)\frz30\bord4}Turned",
        r"{\p1\c&HFF&}m 0 0 l 100 0 100 50 0 50{\p0} box",
        r"{\move(0,90,320,90,0,5000)}moving",
        r"{\t(0,2000,\fscx200)}growing",
        r"{\fad(2000,0)}fading",
        r"{\k50}ka{\k100}ra{\k50}oke",
    ],
)
def test_an_ass_script_looks_as_ffmpeg_draws_it(opened, tmp_path, text):
    captions = opened(HEAD + event(text))
    theirs = by_ffmpeg(tmp_path / "source-0")
    difference = np.abs(over(captions, "1", 128).astype(int) - theirs)
    assert (theirs != 128).mean() > 0.005
    # Letters stand at eighths of a pixel, and which one hangs on what was drawn before.
    assert (difference > 4).mean() < 0.005
    assert difference.max() < 64


def test_srt_looks_as_ffmpeg_draws_it_in_the_same_style(opened, tmp_path):
    text = (
        '1\n00:00:00,000 --> 00:00:05,000\nA first <i>line</i> and\n<b>a second</b> <font color="#ff0000">one</font>\n'
    )
    captions = opened(text, font="DejaVu Sans", size=20, outline=2, margin=10)
    scale = 288 / HEIGHT  # the height of the script that ffmpeg makes
    style = f"FontName=DejaVu Sans,FontSize={20 * scale},Outline={2 * scale},Shadow=0,MarginV={10 * scale}"
    theirs = by_ffmpeg(tmp_path / "source-0", f":force_style='{style}'")
    difference = np.abs(over(captions, "1", 128).astype(int) - theirs)
    assert np.mean(difference) < 0.8


# ---- when


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(24000, 1001), Fraction(60000, 1001)])
def test_a_cue_is_shown_from_its_start_and_not_at_its_end_to_the_frame(opened, fps):
    cue = "1\n00:00:00,501 --> 00:00:01,003\nHello\n"
    painter = opened(cue).painter()
    shown = [n for n in range(60) if painter.sprites(n / fps)]
    assert shown == [n for n in range(60) if Fraction(501, 1000) <= n / fps < Fraction(1003, 1000)]


def test_the_last_moment_counts_in_fractions_of_a_millisecond(opened):
    painter = opened(ONE).painter()
    assert not painter.sprites(Fraction(999_999, 1_000_000))
    assert painter.sprites(Fraction(1))
    assert painter.sprites(Fraction(2_499_999, 1_000_000))
    assert not painter.sprites(Fraction(5, 2))


def test_nothing_is_made_anew_while_nothing_changes(opened):
    painter = opened(ONE).painter()
    first = painter.sprites(Fraction(1))
    assert painter.sprites(Fraction(2)) is first
    assert painter.sprites(Fraction(3)) == []


def test_what_moves_is_known_and_made_anew(opened):
    text = HEAD + event(r"{\move(0,90,320,90)}moving") + event("still", "0:00:05.00", "0:00:06.00")
    captions = opened(text)
    assert [cue.moving for cue in captions.cues] == [True, False]
    painter = captions.painter()
    assert painter.sprites(Fraction(1))[0][0] < painter.sprites(Fraction(2))[0][0]
    assert painter.sprites(Fraction(5)) is painter.sprites(Fraction(11, 2))


def test_a_fade_is_as_opaque_as_the_time_that_has_passed(opened):
    captions = opened(HEAD + event(r"{\fad(2000,0)\bord0\shad0}fading"))
    opacity = [max(sprite[:, :, 3].max() for *_, sprite in captions.painter().sprites(Fraction(t))) for t in (1, 3)]
    assert opacity == [pytest.approx(128, abs=2), 255]


OVERLAPPING = """1
00:00:01,000 --> 00:00:03,000
first

2
00:00:02,000 --> 00:00:06,000
second

3
00:00:04,000 --> 00:00:05,000
third
"""


def test_cues_at_the_same_time_do_not_cover_each_other_and_stay_where_they_are(opened):
    captions = opened(OVERLAPPING)
    painter = captions.painter()
    rows = {t: [y for _, y, _ in painter.sprites(Fraction(t))] for t in (1, 2, 3, 4, 5)}
    assert len(rows[2]) == 2 or bounds(over(captions, "2").any(axis=2))[1] < rows[1][0] - 5
    assert bounds(over(captions, "3").any(axis=2))[3] < bounds(over(captions, "1").any(axis=2))[3]  # not down again


def test_any_moment_looks_the_same_whatever_was_drawn_before_it(opened):
    captions = opened(OVERLAPPING)
    moments = [Fraction(n, 2) for n in range(14)]
    painter = captions.painter()
    in_order = [digest(painter.sprites(at)) for at in moments]
    assert in_order == [digest(captions.painter().sprites(at)) for at in moments]
    assert in_order[::-1] == [digest(painter.sprites(at)) for at in moments[::-1]]


def test_beginning_in_the_middle_takes_as_long_however_long_a_cue_is_shown(opened):
    """As a text that is shown all the time, and hundreds of cues that make way for it."""
    text = HEAD + event("always", "0:00:00.00", "1:00:00.00")
    text += "".join(
        event(f"cue {n}", f"0:{n // 60:02d}:{n % 60:02d}.00", f"0:{n // 60:02d}:{n % 60:02d}.80") for n in range(1, 300)
    )
    captions = opened(text)
    painter = captions.painter()
    for n in range(1, 300):
        last = painter.sprites(Fraction(n))
    assert len(captions.appeared(len(captions.moments_ms) - 3)) == 1
    assert digest(captions.painter().sprites(Fraction(299))) == digest(last)


def test_painters_work_side_by_side(opened):
    captions = opened(OVERLAPPING)

    def all_of_it(_: int) -> list[str]:
        painter = captions.painter()
        return [digest(painter.sprites(Fraction(n, 4))) for n in range(28)]

    with ThreadPoolExecutor(4) as pool:
        assert len({tuple(found) for found in pool.map(all_of_it, range(8))}) == 1


def digest(sprites: list[tuple[int, int, Pixels]]) -> str:
    return hashlib.sha256(b"".join(f"{x},{y},{p.shape}".encode() + p.tobytes() for x, y, p in sprites)).hexdigest()


# ---- how they look


def test_size_is_the_height_of_a_line(opened):
    one, two = (over(opened(ONE.replace("Hello", text), size=30), "1").any(axis=2) for text in ("Hx", "Hx\nHx"))
    assert bounds(one)[1] - bounds(two)[1] == 30


@pytest.mark.parametrize(("position", "row"), [("top", 0), ("center", 1), ("bottom", 2)])
def test_position_and_margin(opened, position, row):
    mask = over(
        opened(ONE.replace("Hello", "█"), position=position, margin=20, outline=0, size=20, font="DejaVu Sans Mono"),
        "1",
    ).any(axis=2)
    left, top, right, bottom = bounds(mask)
    assert (left + right) / 2 == pytest.approx(WIDTH / 2, abs=1)
    assert (top, (top + bottom) / 2, HEIGHT - bottom)[row] == pytest.approx((20, HEIGHT / 2, 20)[row], abs=2)


def test_colours_and_outline(opened):
    bare = over(opened(ONE, outline=0, color="#00ff00", size=40), "1")
    outlined = over(opened(ONE, outline=3, color="#00ff00", outlineColor="#0000ff", size=40), "1")
    left, top, right, bottom = bounds(bare[:, :, 1] > 128)
    assert bounds(outlined[:, :, 2] > 128) == pytest.approx((left - 3, top - 3, right + 3, bottom + 3), abs=1)
    assert outlined[bare[:, :, 1] == 255].tolist() == bare[bare[:, :, 1] == 255].tolist()


def test_a_box_stands_behind_all_lines(opened):
    captions = opened(
        ONE.replace("Hello", "one\nlonger line"), box={"color": "#ff0000", "opacity": 0.5, "padding": 6}, size=20
    )
    picture = over(captions, "1")
    left, top, right, bottom = bounds(picture.any(axis=2))
    assert bottom - top == pytest.approx(2 * 20 + 2 * 6, abs=1)
    assert picture[top + 1, left + 1].tolist() == [127, 0, 0]
    assert picture[bottom - 2, right - 2].tolist() == [127, 0, 0]


def test_a_font_by_uri_is_drawn_with(opened):
    serif = Path("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf")
    theirs = over(opened(ONE, font="volume://fonts/mine", files={"volume://fonts/mine": serif}), "1")
    assert np.array_equal(theirs, over(opened(ONE, font="DejaVu Serif"), "1"))
    assert not np.array_equal(theirs, over(opened(ONE), "1"))


@pytest.mark.parametrize(
    "text", ["中文字幕", "字幕ひらカナ", "한국어", "مرحبا", "שלום", "हिन्दी", "ไทย", "Жизнь", "😀🚀"]
)
def test_every_script_has_glyphs(opened, text):
    pictures = {over(opened(ONE.replace("Hello", character)), "1").tobytes() for character in set(text)}
    assert len(pictures) == len(set(text))


def test_chinese_wraps_between_characters(opened):
    picture = over(opened(ONE.replace("Hello", "永" * 40), size=20), "1").any(axis=2)
    left, top, right, bottom = bounds(picture)
    assert right - left <= WIDTH - 2 * (HEIGHT // 20)
    assert bottom - top > 2 * 20


def test_no_line_of_japanese_starts_with_what_closes_or_ends_with_what_opens():
    """A bracket that opens moves down, a full stop or a small kana keeps what it follows with it."""
    assert wrap("永" * 20, 10) == "永" * 10 + "\\N" + "永" * 10
    assert wrap("永" * 9 + "「" + "永" * 10, 10) == "永" * 9 + "\\N「" + "永" * 10
    for last in "。」ーょ":
        assert wrap("永" * 10 + last + "永" * 9, 10) == "永" * 10 + last + "\\N" + "永" * 9
    assert wrap(r"{\i1}永永永{\i0}永永永", 3) == r"{\i1}永永永{\i0}\N永永永"


def test_an_ass_file_that_is_given_a_style_is_refused(opened):
    with pytest.raises(PermanentError, match=r"spec\.subtitles\.style: an ASS file says how"):
        opened(HEAD + event("a"), size=20)


def test_fonts_inside_a_script_are_not_used(opened):
    data = "\n[Fonts]\nfontname: evil.ttf\n" + "!" * 80 + "\n"
    with_font = opened(HEAD.replace("[Events]", data + "[Events]") + event("a"))
    assert np.array_equal(over(with_font, "1"), over(opened(HEAD + event("a")), "1"))


# ---- read


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
        form, _, cues = read_cues(Source("spec.subtitles.uri", URI, tmp_path / "a"))
        assert form is Format.SRT
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


def test_text_of_other_windows_is_refused_and_not_turned_into_nonsense():
    with pytest.raises(LineError, match="line 3: is neither UTF-8 nor UTF-16; save the file as UTF-8"):
        decode(b"1\n00:00:01,000 --> 00:00:02,000\n" + bytes(range(0xE0, 0xF8)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the file is empty"),
        ("\n \n", "the file is empty"),
        ("Hello\n", 'line 1: "Hello" begins neither SRT, WebVTT nor ASS'),
        (b"\x00\x01\x02", "line 1: is not text"),
        ("1\nHello\n", 'line 2: expected a time, such as 00:00:01,000 --> 00:00:02,500, and found "Hello"'),
        ("1\n00:00:01,000 --> 00:00:02,000\na\n\nb\n", 'line 5: expected a time, .* found "b"'),
        ("1\n00:00:01,000 -> 00:00:02,000\na\n", "line 2: expected a time"),
        ("1\n00:00:02,000 --> 00:00:01,000\na\n", "line 2: the cue ends before it starts"),
        ("1\n00:99:02,000 --> 00:99:03,000\na\n", "line 2: expected a time"),
        ("1\n00:00:01,000 --> 00:00:02,000\n" + "a" * 5000, "line 2: the cue has 5000 characters; at most 4096"),
        ("WEBVTT\n\n1\n00:00:01,000 --> 00:00:02,000\na\n", "line 4: expected a time, such as 00:01.000"),
        ("[Script Info]\n", "the script ends, and has no events"),
        (HEAD + event("a", start="0:00:01.5"), "line 12: a time is written like 0:00:01.50"),
        (HEAD + "Dialogue: 0,0:00:01.00\n", "line 12: an event has 10 fields, and this one has 2"),
        (HEAD.replace("PlayResY: 180", "PlayResY: 0") + event("a"), "line 4: a resolution is from 1 to 16384"),
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
        opened("1\n00:00:01,000 --> 00:00:01,000\na\n\n" * 50_001)


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


# ---- in a video


def test_subtitles_are_in_the_video_in_their_frames_alone(studio, opened, tmp_path):
    text = "1\n00:00:00,200 --> 00:00:00,400\nHello\n\n2\n00:00:00,480 --> 00:00:00,560\n{\\an8}again\n"
    captions = opened(text, size=40)
    file = tmp_path / "source-0"
    subtitles = {"uri": f"volume://media/{file.name}", "style": {"size": 40}}
    clips = [{"color": "#404040", "duration": "400ms"}, {"color": "#404040", "duration": "400ms"}]
    frames = decode_video(studio.movie(clips, files=[file], size=(WIDTH, HEIGHT), subtitles=subtitles))
    luma = frames[:, :HEIGHT].astype(int)
    marked = [n for n, picture in enumerate(luma) if np.ptp(picture) > 40]
    assert marked == [5, 6, 7, 8, 9, 12, 13]
    for n in marked:
        expected = over(captions, Fraction(n, 25), 0x40)[:, :, 0] / 255 * 219 + 16
        assert np.abs(luma[n] - expected).mean() < 1.5
