"""Lines of subtitles: broken where their language breaks, and within the picture, whatever they say."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.render.captioned import URI, bounds
from tests.render.text.scripts import TEXTS
from videojob_contract.resources.text import Subtitles
from videojob_worker.canvas import Canvas
from videojob_worker.media.files.source import Source
from videojob_worker.text.captions import open_captions
from videojob_worker.text.fonts import Fonts
from videojob_worker.text.line_breaks import line_breaks
from videojob_worker.text.wrapping import wrap

FONTS = Fonts({})


def drawn(folder: Path, text: str, canvas_size: tuple[int, int], **style: Any) -> tuple[npt.NDArray[np.uint8], Source]:
    """The letters of a cue on a canvas, as their opacity, and the file, with what was said of it."""
    width, height = canvas_size
    source = Source("spec.subtitles.uri", URI, folder / "source")
    source.path.write_text(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n")
    subtitles = Subtitles.model_validate({"uri": URI, "style": style})
    captions = open_captions(source, subtitles, Canvas(width, height, "#000000"), FONTS)
    canvas = np.zeros((height, width), np.uint8)
    for x, y, sprite in captions.painter().sprites(Fraction(1)):
        under = canvas[y : y + sprite.shape[0], x : x + sprite.shape[1]]
        np.maximum(under, sprite[:, :, 3], out=under)
    return canvas, source


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.sampled_from(sorted(TEXTS)),
    second=st.sampled_from(["", *sorted(TEXTS)]),
    width=st.integers(160, 1280),
    height=st.integers(90, 720),
    size=st.integers(16, 60),
    margin=st.sampled_from([0, 3, 20]),
    outline=st.sampled_from([0, 2]),
    tag=st.sampled_from(["", "b", "i"]),
)
def test_no_letter_is_outside_of_the_picture_and_none_is_lost(tmp_path, *, text, second, width, height, tag, **style):
    said = " ".join(filter(None, (TEXTS[text], TEXTS.get(second))))
    said = f"<{tag}>{said}</{tag}>" if tag else said
    picture, source = drawn(tmp_path, said, (width, height), **style)
    left, _, right, _ = bounds(picture > 0)
    reach = style["outline"] + 2
    assert left >= style["margin"] - reach
    assert right <= width - style["margin"] + reach
    if not source.warnings.said:  # it has the size that it should
        whole, _ = drawn(tmp_path, said, (12_000, 200), **style)
        assert picture.sum(dtype=int) == pytest.approx(whole.sum(dtype=int), rel=0.06)


@pytest.mark.parametrize("text", [TEXTS["Khmer"], TEXTS["Latin"], "W", "\n".join("abcdefghij"), "永" * 200])
def test_what_the_picture_has_no_room_for_is_drawn_smaller_and_told(tmp_path, text):
    picture, source = drawn(tmp_path, text, (160, 90), size=100)
    left, top, right, bottom = bounds(picture > 0)
    assert left > 0
    assert top > 0
    assert right < 160
    assert bottom < 90
    assert source.warnings.said == (
        f"spec.subtitles.uri: {URI} has a cue at 1 s that the picture has no room for: it is drawn smaller",
    )


def test_what_has_no_room_however_small_is_told(tmp_path):
    _, source = drawn(tmp_path, "永" * 400, (160, 90), size=20)
    assert source.warnings.said[0].endswith("it is cut off, however small")


def test_subtitles_that_players_draw_are_not_fitted(tmp_path):
    _, source = drawn(tmp_path, TEXTS["Thai"], (160, 90), size=80)
    assert source.warnings.said
    soft = Source("spec.subtitles.uri", URI, source.path)
    subtitles = Subtitles.model_validate({"uri": URI, "soft": True})
    assert len(open_captions(soft, subtitles, Canvas(16, 16, "#000000"), FONTS).cues) == 1
    assert soft.warnings.said == ()


def test_a_flood_of_long_lines_is_not_fitted_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr("videojob_worker.text.script._MOST_FITTED", 50)
    _, source = drawn(tmp_path, TEXTS["Thai"], (160, 90), size=20)
    assert "has more than 50 characters in long lines; what comes after them may be cut off" in source.warnings.said[0]


def test_what_fits_is_left_to_libass_byte_by_byte():
    def measure(texts: Sequence[str]) -> list[float]:
        return [len(text) / 2 for text in texts]

    for markup in (
        "short",
        r"{\i1}many words{\i0} that are short, and lines\Nof their own",
        "하나 둘 셋 넷 다섯 여섯 일곱 여덟",
    ):
        assert wrap(markup, 10, measure).markup == markup


def one_each(texts: Sequence[str]) -> list[float]:
    return [float(len(text)) for text in texts]


@pytest.mark.parametrize(
    ("markup", "lines"),
    [
        ("永" * 20, "永" * 10 + "|" + "永" * 10),
        ("永" * 9 + "「" + "永" * 9, "永" * 9 + "|「" + "永" * 9),
        ("永" * 10 + "。" + "永" * 8, "永" * 9 + "|永。" + "永" * 8),
        (r"{\i1}永永永永永永{\i0}永永永永永永", r"{\i1}永永永永永永{\i0}|永永永永永永"),
        ("ab 永永永永永永永永永永永 cd", "ab 永永永永永永|永永永永永 cd"),
        (r"\{\{\{\{\{\{\{\{\{\{\{\{", r"\{\{\{\{\{\{|\{\{\{\{\{\{"),
        (r"x\N永永永永永永永永永永永永", r"x\N永永永永永永|永永永永永永"),
    ],
)
def test_lines_break_at_like_lengths_and_not_before_what_closes_or_after_what_opens(markup, lines):
    assert wrap(markup, 10, one_each).markup == lines.replace("|", "\\N\u200e")


def test_lines_of_a_paragraph_from_the_right_all_run_from_the_right():
    wrapped = wrap("א" * 12 + " abc", 10, one_each)
    assert wrapped.lines == 2
    assert "\\N\u200f" in wrapped.markup


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("การเดินทางไปเชียงใหม่", "การ|เดินทาง|ไป|เชียงใหม่"),
        ("https://www.example.org/a/b?id=1", "https://|www.example.org/|a/|b?|id=1"),
        ("a-b c\u00a0d", "a-|b |c\u00a0d"),
        ("안녕 여러분", "안|녕 |여|러|분"),
    ],
)
def test_words_end_where_pango_ends_them(text, words):
    breaks = line_breaks(text).between_words
    assert "".join(("|" if may else "") + letter for may, letter in zip(breaks, text, strict=True)) == words


@pytest.mark.parametrize(("text", "parts"), [("ប្រជា", 3), ("ປະຊາ", 2), ("👨‍👩‍👧x", 2), ("e\u0301e", 2)])
def test_no_letter_is_parted_from_its_marks_and_vowels(text, parts):
    assert sum(line_breaks(text).within_words[1:]) + 1 == parts


@pytest.mark.parametrize("text", ["יופי. נראה לי שזה טוב.", "مرحبا بالعالم.", "המחיר הוא abc."])
def test_the_full_stop_of_text_from_the_right_is_on_the_left(tmp_path, text):
    stop, _ = drawn(tmp_path, text, (800, 100), size=40, outline=0, margin=0)
    without, _ = drawn(tmp_path, text.removesuffix("."), (800, 100), size=40, outline=0, margin=0)
    whole, rest = (picture[:, slice(*bounds(picture > 0)[::2])].astype(int) for picture in (stop, without))
    assert whole.shape[1] > rest.shape[1] + 3
    at_the_right = np.abs(whole[:, -rest.shape[1] :] - rest).mean()
    assert 2 * at_the_right < np.abs(whole[:, : rest.shape[1]] - rest).mean()
