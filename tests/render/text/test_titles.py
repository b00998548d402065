"""Titles, by where their ink is, what colour it has, and what the same letters look like elsewhere."""

import hashlib
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.render.studio import decode
from tests.render.text.scripts import TEXTS
from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.text import Title
from videojob_contract.resources.timeline import Anchor, Overlay
from videojob_contract.resources.videojob import VideoJobSpec
from videojob_worker import system_libraries
from videojob_worker.text.fonts import MAX_FONT_BYTES, Fonts
from videojob_worker.text.preflight import open_fonts
from videojob_worker.text.title import Rgba, draw_overlay_title, draw_title, overlay_room, title_room

DEJAVU = Path("/usr/share/fonts/truetype/dejavu")
FONT_URI = "volume://fonts/mine"
Mask = npt.NDArray[np.bool_]


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    return Fonts({})


def title(text: str, **fields: Any) -> Title:
    return Title.model_validate({"text": text, "size": 40, **fields})


def drawn(fonts: Fonts, text: str, width: int = 800, **fields: Any) -> Rgba:
    return draw_overlay_title(title(text, **fields), width, 800, fonts)


def ink(rgba: Rgba, threshold: int = 128) -> Mask:
    return rgba[:, :, 3] >= threshold


def bounds(mask: Mask) -> tuple[int, int, int, int]:
    """Left, top, right, bottom; the last two are the first without ink."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def trimmed(rgba: Rgba) -> Rgba:
    left, top, right, bottom = bounds(ink(rgba, 1))
    return rgba[top:bottom, left:right]


def has(whole: Rgba, part: Rgba, left: int) -> bool:
    """Whether a picture's ink, wherever it is vertically, starts at a column of another picture."""
    height, width = part.shape[:2]
    return any(
        np.array_equal(whole[top : top + height, left : left + width], part)
        for top in range(whole.shape[0] - height + 1)
    )


@pytest.mark.parametrize("size", [12, 40, 96])
@pytest.mark.parametrize("font", ["Open Sans", "DejaVu Serif", "monospace"])
def test_size_is_the_height_of_a_line(fonts, size, font):
    assert drawn(fonts, "Hg", size=size, font=font).shape[0] == size
    assert drawn(fonts, "Hg\nHg\nHg", size=size, font=font).shape[0] == 3 * size
    assert drawn(fonts, "Hg\nHg\nHg", size=size, font=font, lineSpacing=1.5).shape[0] == 4 * size


def test_letters_keep_within_their_line_and_lines_are_one_pitch_apart(fonts):
    once, twice = drawn(fonts, "Hg"), drawn(fonts, "Hg\nHg", lineSpacing=1.25)
    assert np.array_equal(once, twice[:40])
    assert np.array_equal(once, twice[50:])


def test_a_line_keeps_its_height_whatever_stands_in_it(fonts):
    assert drawn(fonts, "日本\nHg\n😀").shape[0] == 120


@pytest.mark.parametrize(("align", "share"), [("left", 0), ("center", 0.5), ("right", 1)])
@pytest.mark.parametrize("text", ["MMMMMMMM\nii", "אבגדהוזח\nבב"])
def test_lines_are_aligned_by_sides_of_the_picture_in_either_direction(fonts, align, share, text):
    picture = drawn(fonts, text, align=align)
    left, _, right, _ = bounds(ink(picture[40:]))
    room = picture.shape[1] - (right - left)
    assert left == pytest.approx(share * room, abs=4)  # side bearings


def test_lines_wrap_at_the_width_and_lose_no_word(fonts):
    words = "the quick brown fox jumps over the lazy dog"
    for width in (120, 250, 700):
        assert drawn(fonts, words, width).shape[1] <= width
    one_each = drawn(fonts, words, 150).shape[0] // 40
    assert one_each > drawn(fonts, words, 400).shape[0] // 40 > drawn(fonts, words, 800).shape[0] // 40 - 1


def test_a_word_longer_than_the_line_is_broken(fonts):
    picture = drawn(fonts, "a" * 30, 200)
    assert picture.shape[1] <= 200
    assert picture.shape[0] == 40 * -(-drawn(fonts, "a" * 30).shape[1] // (200 // 22 * 22))


def test_chinese_and_japanese_break_between_any_two_characters_but_not_before_a_full_stop(fonts):
    em = drawn(fonts, "永").shape[1]
    picture = drawn(fonts, "永永永永永永", 4 * em + 2)
    assert picture.shape[:2] == (80, 4 * em)
    held = drawn(fonts, "永永永永。", 4 * em + 2, align="left")  # so the last goes to the next line with it
    assert bounds(ink(held[:40]))[2] <= 3 * em


def test_right_to_left_text_runs_from_the_right(fonts):
    word, first, last = drawn(fonts, "אש"), trimmed(drawn(fonts, "א")), trimmed(drawn(fonts, "ש"))
    left, _, right, _ = bounds(ink(word, 1))
    assert has(word, last, left)
    assert has(word, first, right - first.shape[1])


def test_in_a_sentence_of_both_directions_each_part_keeps_its_own(fonts):
    sentence = drawn(fonts, "ab אש")
    latin = trimmed(drawn(fonts, "ab"))
    hebrew = trimmed(drawn(fonts, "אש"))
    left, _, right, _ = bounds(ink(sentence, 1))
    assert has(sentence, latin, left)
    assert has(sentence, hebrew, right - hebrew.shape[1])


def test_arabic_letters_join(fonts):
    """Apart by a zero width non-joiner they take other shapes, and more room."""
    assert drawn(fonts, "بببب").shape[1] < drawn(fonts, "ب\u200cب\u200cب\u200cب").shape[1]


@pytest.mark.parametrize(
    "text",
    [
        "ÅßĞž",
        "Ελλάδα",
        "Жизнь",
        "Հայ",
        "ქარ",
        "שלום",
        "سلام",
        "हिन्दी",
        "বাংলা",
        "தமிழ்",
        "ไทย",
        "中文",
        "繁體",
        "ひらカナ",
        "한국어",
        "→∑♫☃",
        "😀🚀",
    ],
)
def test_each_character_has_a_glyph_of_its_own(fonts, text):
    shapes = {hashlib.sha256(trimmed(drawn(fonts, character)).tobytes()).digest() for character in set(text)}
    assert len(shapes) == len(set(text))  # boxes for what is missing would be alike


def test_letters_that_come_in_parts_are_put_together(fonts):
    assert np.array_equal(drawn(fonts, unicodedata.normalize("NFD", "한국 Ångström")), drawn(fonts, "한국 Ångström"))


def test_a_character_that_no_font_has_is_an_error_and_not_a_box(fonts):
    with pytest.raises(PermanentError, match=r"title\.text: no font has U\+F0000 \(unnamed\)"):
        drawn(fonts, "a\U000f0000")


def test_emoji_are_in_colour_and_as_high_as_the_letters(fonts):
    picture = drawn(fonts, "😀", color="#ffffff")
    opaque = picture[ink(picture, 255)]
    assert len(np.unique(opaque, axis=0)) > 50
    red, _, blue = (int(value) for value in np.median(opaque[:, :3], axis=0))
    assert red > blue + 100  # yellow
    assert 20 <= trimmed(picture).shape[0] <= 44


@pytest.mark.parametrize("text", ["1\ufe0f\u20e3", "#\ufe0f\u20e3", "\u00a9\ufe0f"])
def test_what_letters_are_too_is_an_emoji_where_the_text_says_so(fonts, text):
    picture, letter = drawn(fonts, text, color="#ff0000"), drawn(fonts, text[0], color="#ff0000")
    assert not (picture[ink(picture, 255)][:, :3] == (255, 0, 0)).all(axis=1).any()
    assert (letter[ink(letter, 255)][:, :3] == (255, 0, 0)).all()
    one = trimmed(drawn(fonts, "😀"))
    assert trimmed(picture).shape[1] == pytest.approx(one.shape[1], rel=0.15)


def test_letters_have_their_colour_however_thin_their_edges_are(fonts):
    picture = drawn(fonts, "Straight alpha", color="#30c0ff")
    seen = picture[picture[:, :, 3] >= 64][:, :3].astype(int)
    assert np.abs(seen - (0x30, 0xC0, 0xFF)).max() <= 2
    assert not picture[picture[:, :, 3] == 0].any()


def test_an_outline_is_as_wide_as_it_says_on_every_side(fonts):
    bare = draw_title(title("H"), 400, 200, fonts)
    outlined = draw_title(title("H", outline=7, outlineColor="#ff0000"), 400, 200, fonts)
    left, top, right, bottom = bounds(ink(bare))
    assert bounds(ink(outlined)) == pytest.approx((left - 7, top - 7, right + 7, bottom + 7), abs=1)
    inside = ink(bare, 255)
    assert (outlined[inside][:, :3] == 255).all()  # the letters keep their shape
    around = ink(outlined, 255) & ~ink(bare, 1)
    assert (outlined[around][:, :3] == (255, 0, 0)).all()


def test_a_shadow_is_the_letters_moved(fonts):
    bare = draw_title(title("Shade"), 400, 200, fonts)
    shaded = draw_title(title("Shade", shadow={"color": "#0000ff", "offset": 9, "opacity": 0.5}), 400, 200, fonts)
    fallen = np.zeros_like(bare[:, :, 3])
    fallen[9:, 9:] = bare[:-9, :-9, 3]
    alone = (bare[:, :, 3] == 0) & (fallen > 0)
    assert np.abs(shaded[alone][:, 3].astype(int) - fallen[alone] / 2).max() <= 1
    assert (shaded[alone & (fallen > 32)][:, :3] == (0, 0, 255)).all()
    assert np.array_equal(shaded[bare[:, :, 3] == 255], bare[bare[:, :, 3] == 255])


def test_a_blurred_shadow_fades_out_within_its_blur(fonts):
    shadow = {"color": "#ff0000", "offset": 0, "blur": 12}
    bare = draw_title(title("H"), 400, 200, fonts)
    blurred = draw_title(title("H", shadow=shadow), 400, 200, fonts)
    left, top, _, bottom = bounds(ink(bare, 1))
    reached = bounds(ink(blurred, 1))
    assert reached[0] >= left - 13
    assert reached[3] <= bottom + 13
    row = blurred[(top + bottom) // 2, : left + 1, 3].astype(int)
    assert (np.diff(row) >= 0).all()  # softly
    assert len(set(row)) > 6
    assert drawn(fonts, "H", shadow=shadow).shape[1] > drawn(fonts, "H").shape[1]  # and is not cut off


def test_a_box_is_padded_round_and_see_through(fonts):
    box = {"color": "#00ff00", "opacity": 0.5, "padding": 30, "radius": 20}
    bare, boxed = drawn(fonts, "Box"), drawn(fonts, "Box", box=box)
    assert boxed.shape[0] == bare.shape[0] + 60
    assert boxed.shape[1] == bare.shape[1] + 60
    assert boxed[0, boxed.shape[1] // 2].tolist() == [0, 255, 0, 128]
    assert boxed[0, 0, 3] == 0
    # A corner lacks what its square has more than a quarter of a circle.
    assert (boxed[:20, :20, 3] / 128).sum() == pytest.approx(np.pi / 4 * 20**2, rel=0.02)
    assert (boxed[30:-30, 30:-30][ink(bare, 255)] == 255).all()


@pytest.mark.parametrize("anchor", list(Anchor))
def test_a_clip_s_title_stands_at_its_anchor(fonts, anchor):
    picture = draw_title(title("Hg", box={"padding": 0}, margin=10), 300, 200, fonts, anchor)
    assert picture.shape == (200, 300, 4)
    left, top, right, bottom = bounds(ink(picture, 255))
    assert bottom - top == 40
    name = anchor.value.lower()
    assert left == (10 if "left" in name else 290 - (right - left) if "right" in name else (300 - right + left) // 2)
    assert top == (10 if "top" in name else 150 if "bottom" in name else 80)


def test_the_margin_is_a_twentieth_of_the_height_unless_it_is_given():
    assert title_room(title("a"), 1920, 1080) == (1812, 972)
    assert title_room(title("a", margin=0), 1920, 1080) == (1920, 1080)


@pytest.mark.parametrize("language", sorted(TEXTS))
@pytest.mark.parametrize("width", [300, 640, 1920])
@pytest.mark.parametrize("size", [40, 120])
def test_a_title_that_shrinks_is_as_large_as_fits_and_within_its_margins(fonts, language, width, size):
    text, height = TEXTS[language], max(300, width * 9 // 16)
    asked = title(text, size=size, fitText="shrink", margin=20)
    left, top, right, bottom = bounds(ink(draw_title(asked, width, height, fonts)))
    assert left >= 20 - 2
    assert top >= 20 - 2
    assert right <= width - 20 + 2
    assert bottom <= height - 20 + 2


def test_a_title_shrinks_before_a_word_of_it_is_broken(fonts):
    whole = drawn(fonts, "Kapitänsmütze", width=200, size=80, fitText="shrink")
    assert whole.shape[1] <= 200
    assert 20 <= whole.shape[0] < 80  # one line
    assert drawn(fonts, "Kapitänsmütze", width=200, size=80).shape[0] > 80
    assert np.array_equal(drawn(fonts, "Hat", fitText="shrink"), drawn(fonts, "Hat"))


def test_a_title_shrinks_to_the_height_too_and_no_further_than_a_quarter(fonts):
    lines = "\n".join("abcde")
    assert drawn(fonts, lines, size=320, fitText="shrink").shape[0] == 800
    with pytest.raises(PermanentError, match=r"takes .*x2000 pixels at a size of 100, and there is room for 800x800"):
        drawn(fonts, "\n".join("abcdefghijklmnopqrst"), size=400, fitText="shrink")


def test_an_overlay_s_title_wraps_to_its_scale_or_between_its_margins():
    overlay = {"title": {"text": "a"}, "margin": 30}
    assert overlay_room(Overlay.model_validate(overlay), 1000, 500) == (940, 440)
    assert overlay_room(Overlay.model_validate({**overlay, "scale": 0.25}), 1000, 500) == (250, 440)


def test_the_same_title_has_the_same_bytes_whatever_the_environment_says(fonts):
    picture = hashlib.sha256(drawn(fonts, "Same 漢字 😀").tobytes()).hexdigest()
    code = (
        "import hashlib\nfrom videojob_contract.resources.text import Title\n"
        "from videojob_worker.text.fonts import Fonts\nfrom videojob_worker.text.title import draw_overlay_title\n"
        "drawn = draw_overlay_title(Title(text='Same 漢字 😀', size=40), 800, 800, Fonts({}))\n"
        "print(hashlib.sha256(drawn.tobytes()).hexdigest())"
    )
    env = {
        **os.environ,
        "LANG": "ja_JP.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PANGO_LANGUAGE": "ja",
        "FONTCONFIG_FILE": "/nowhere",
    }
    result = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    assert result.stdout.strip() == picture


def test_fonts_have_names_styles_and_generic_names(fonts):
    regular = drawn(fonts, "Weight", font="Open Sans")
    assert np.array_equal(regular, drawn(fonts, "Weight", font="open sans"))
    assert np.array_equal(regular, drawn(fonts, "Weight"))
    bold = drawn(fonts, "Weight", font="Open Sans Bold")
    assert ink(bold).mean() > 1.2 * ink(regular).mean()
    assert np.array_equal(drawn(fonts, "Weight", font="Arial"), drawn(fonts, "Weight", font="Liberation Sans"))


@pytest.mark.parametrize(
    ("font", "message"),
    [
        ("Nonesuch", 'title.font: there is no font "Nonesuch" here; there are .*DejaVu Sans.*Open Sans'),
        ("Bold", 'there is no font "Bold"'),
        ("DejaVu Sans 20", "ends in a size; give it as `size`"),
    ],
)
def test_a_font_that_is_not_there_is_an_error_that_lists_those_that_are(fonts, font, message):
    with pytest.raises(PermanentError, match=message) as raised:
        drawn(fonts, "a", font=font)
    assert raised.value.reason is Reason.INVALID_SPEC


def test_a_font_by_uri_draws_as_the_same_font_that_is_installed(fonts, tmp_path):
    file = tmp_path / "source-0"
    file.write_bytes((DEJAVU / "DejaVuSerif-Bold.ttf").read_bytes())
    theirs = drawn(Fonts({FONT_URI: file}), "Same 漢字", font=FONT_URI)
    assert np.array_equal(theirs, drawn(fonts, "Same 漢字", font="DejaVu Serif Bold"))


def test_a_font_by_uri_does_not_stand_in_for_the_installed_one_of_its_name(fonts, tmp_path):
    file = tmp_path / "source-0"
    file.write_bytes(named("Open Sans  "))
    own = Fonts({FONT_URI: file})
    theirs = drawn(own, "Name", font=FONT_URI)
    assert np.array_equal(drawn(own, "Name", font="Open Sans"), drawn(fonts, "Name", font="Open Sans"))
    assert not np.array_equal(theirs, drawn(fonts, "Name", font="Open Sans"))


def named(name: str) -> bytes:
    """DejaVu Sans under another name of the same length."""
    old, new = ("DejaVu Sans".encode("utf-16-be"), name.encode("utf-16-be"))
    assert len(old) == len(new)
    return (DEJAVU / "DejaVuSans.ttf").read_bytes().replace(old, new)


HOSTILE = {
    "comma": (named("DejaVu,Sans"), "is a font with commas"),
    "line": (named("DejaVu\nSans"), "is a font with commas, braces or control characters in its name"),
    "text": (b"#!/bin/sh\n", "is not a TrueType or OpenType font"),
    "empty": (b"", "is not a TrueType"),
    "cut": ((DEJAVU / "DejaVuSans.ttf").read_bytes()[:3000], "is a damaged font"),
    "header": (b"\0\1\0\0" + b"\xff" * 500, "is a damaged font"),
    "woff": (b"wOF2" + bytes(40), r"is a web font \(WOFF\); convert it"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_font_is_named_as_such(tmp_path, kind):
    data, message = HOSTILE[kind]
    file = tmp_path / "source-0"
    file.write_bytes(data)
    with pytest.raises(PermanentError, match=f"title.font: {FONT_URI} {message}") as raised:
        drawn(Fonts({FONT_URI: file}), "a", font=FONT_URI)
    assert raised.value.reason in {Reason.INVALID_MEDIA, Reason.SOURCE_TOO_LARGE}


def test_a_font_file_has_a_largest_size(tmp_path):
    file = tmp_path / "source-0"
    with file.open("wb") as sparse:
        sparse.truncate(MAX_FONT_BYTES + 1)
    with pytest.raises(PermanentError, match="a font has at most 32 MiB"):
        drawn(Fonts({FONT_URI: file}), "a", font=FONT_URI)


def spec(**fields: Any) -> VideoJobSpec:
    base = {
        "clips": [{"title": {"text": "Fine", "size": 30}, "duration": "1s"}],
        "outputs": [{"name": "main", "format": "mp4"}],
    }
    return VideoJobSpec.model_validate({**base, **fields})


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("Much too long " * 30, {"size": 40}, r"overlays\[0\].title: the text takes .* room for 112x42"),
        ("a", {"size": 500}, "choose a smaller size"),
        ("a", {"outline": 60}, "choose a smaller size"),
        ("bell\a", {}, r"title\.text: U\+0007 is a control character"),
        ("a", {"font": "Nonesuch"}, r"title\.font: there is no font"),
    ],
)
def test_every_title_is_checked_before_anything_is_drawn(text, fields, message):
    overlays = [{"title": {"text": text, "size": 12, **fields}}]
    with pytest.raises(PermanentError, match=message) as raised:
        open_fonts(spec(overlays=overlays), {}, 160, 90)
    assert raised.value.message.startswith("spec.overlays[0].title")


def test_a_library_that_is_not_installed_is_named_with_its_package():
    with pytest.raises(PermanentError, match=r"libnone\.so\.1 is missing .* apt-get install .* libnone1") as raised:
        system_libraries.load_library("libnone.so.1", "libnone1", {})
    assert raised.value.reason is Reason.NOT_SUPPORTED


def test_a_library_that_lacks_a_function_is_too_old():
    with pytest.raises(PermanentError, match=r"too old .*no_such_function"):
        system_libraries.load_library("libcairo.so.2", "libcairo2", {"no_such_function": (None,)})


def test_a_title_renders_as_a_clip(studio, fonts):
    """On its background, with the middle of its box at the middle of the canvas."""
    fields = {"text": "Hi", "size": 30, "box": {"color": "#ffffff", "padding": 5}, "color": "#ffffff"}
    movie = studio.movie([{"title": {**fields, "background": "#000000"}, "duration": "200ms"}], background="#808080")
    luma = decode(movie)[2][:90]
    expected = draw_title(Title.model_validate(fields), 160, 90, fonts)[:, :, 3] / 255 * 219 + 16
    assert np.abs(luma - expected).mean() < 1
