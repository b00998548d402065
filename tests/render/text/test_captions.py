"""Subtitles: shown to the exact frame, and drawn as ffmpeg's own filter draws them."""

import hashlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.render.captioned import HEAD, HEIGHT, ONE, OVERLAPPING, WIDTH, Pixels, bounds, event, over
from tests.render.studio import decode as decode_video
from videojob_contract.errors import PermanentError


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


def test_an_ass_file_that_is_given_a_style_is_refused(opened):
    with pytest.raises(PermanentError, match=r"spec\.subtitles\.style: an ASS file says how"):
        opened(HEAD + event("a"), size=20)


def test_fonts_inside_a_script_are_not_used(opened):
    data = "\n[Fonts]\nfontname: evil.ttf\n" + "!" * 80 + "\n"
    with_font = opened(HEAD.replace("[Events]", data + "[Events]") + event("a"))
    assert np.array_equal(over(with_font, "1"), over(opened(HEAD + event("a")), "1"))


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
