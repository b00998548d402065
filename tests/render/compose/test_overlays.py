"""Overlays: where they stand, how opaque they are, and that what they cover is exact."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests import media
from tests.render.studio import psnr, uri
from videojob_contract.resources.timeline import Overlay
from videojob_worker.canvas import Canvas
from videojob_worker.compose import overlays
from videojob_worker.compose.clips import clip_kind
from videojob_worker.compose.overlays import OverlayPainters, open_overlay
from videojob_worker.media.files.source import Source
from videojob_worker.media.probe import ProbedSource, probe_picture
from videojob_worker.media.probed import ProbedSources
from videojob_worker.pixels.sprite import Sprite
from videojob_worker.pixels.yuv import Picture, from_rgb, planes, rgb_to_yuv, solid, to_rgb
from videojob_worker.timeline.overlays import place_overlays
from videojob_worker.timeline.times import Timeline

CANVAS = (160, 90)


def rgba(
    width: int, height: int, color: tuple[int, int, int], opacity: int = 255
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    pixels = np.empty((height, width, 4), np.uint8)
    pixels[...] = (*color, opacity)
    return pixels


@given(
    st.integers(1, 40),
    st.integers(1, 30),
    st.tuples(st.integers(-50, 170), st.integers(-40, 100)),
    st.integers(0, 255),
    st.floats(0, 1),
)
def test_a_sprite_covers_its_place_by_its_opacity_and_nothing_else(
    width: int, height: int, place: tuple[int, int], opacity: int, more: float
) -> None:
    (x, y), blue, below = place, (20, 60, 220), (130, 128, 128)
    picture = np.empty((135, 160), np.uint8)
    for plane, value in zip(planes(picture), below, strict=True):
        plane.fill(value)
    Sprite.of(rgba(width, height, blue, opacity), x, y, CANVAS).draw(picture, more)
    # By its definition, at each pixel of luma; for chroma the mean that `from_rgb` has.
    share = np.zeros((90, 160))
    share[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = opacity / 255 * more
    luma, cb, cr = planes(picture)
    colors = rgb_to_yuv(blue)
    assert np.abs(luma - (below[0] + (colors[0] - below[0]) * share)).max() <= 1
    rows = (share[0::2] + share[1::2]) / 2
    before = np.concatenate([rows[:, :1], rows[:, 1:-1:2]], axis=1)
    halved = (before + 2 * rows[:, 0::2] + rows[:, 1::2]) / 4
    for plane, above, under in ((cb, colors[1], below[1]), (cr, colors[2], below[2])):
        assert np.abs(plane - (under + (above - under) * halved)).max() <= 1
    assert (luma[share == 0] == below[0]).all()
    assert (cb[halved == 0] == below[1]).all()


def test_a_sprite_of_the_colour_below_it_is_not_seen() -> None:
    picture = solid("#c08040", *CANVAS)
    expected = picture.copy()
    soft = rgba(60, 40, (0xC0, 0x80, 0x40))
    soft[:, :, 3] = np.linspace(0, 255, 60).astype(np.uint8)
    sprite = Sprite.of(soft, 11, 7, CANVAS)
    for opacity in (1.0, 0.7, 0.1):
        sprite.draw(picture, opacity)
        assert np.abs(picture.astype(int) - expected).max() <= 1
    sprite.draw(expected, 0.0)
    assert (expected == solid("#c08040", *CANVAS)).all()


def test_a_sprite_is_what_pillow_makes_of_the_same_in_rgb() -> None:
    with Image.open(media.photographs(160, 90)[0]) as opened:
        below = opened.convert("RGB")
    with Image.open(media.photographs(160, 90)[1]) as opened:
        above = opened.convert("RGBA").crop((0, 0, 101, 61))
    across, down = np.linspace(-1, 1, 101), np.linspace(-1, 1, 61)
    above.putalpha(Image.fromarray((255 * np.clip(1.2 - np.hypot(across[None], down[:, None]), 0, 1)).astype(np.uint8)))
    expected = below.copy()
    expected.paste(above, (37, 13), above)
    picture = from_rgb(below)
    Sprite.of(np.asarray(above), 37, 13, CANVAS).draw(picture)
    theirs = from_rgb(expected)
    assert psnr(picture[:90], theirs[:90]) > 48
    assert psnr(picture[90:], theirs[90:]) > 50
    assert psnr(np.asarray(to_rgb(picture)), np.asarray(expected)) > 30


def test_all_of_a_sprite_beyond_the_canvas_is_nothing() -> None:
    picture = solid("#ffffff", *CANVAS)
    for x, y in ((160, 0), (0, 90), (-20, 0), (0, -20), (500, 500)):
        Sprite.of(rgba(20, 20, (0, 0, 0)), x, y, CANVAS).draw(picture)
    Sprite.of(rgba(20, 20, (0, 0, 0), 0), 5, 5, CANVAS).draw(picture)
    assert (picture == solid("#ffffff", *CANVAS)).all()


@dataclass
class Stand:
    """As much of a project as overlays need, with pictures of a test's own."""

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)

    def image(self, name: str, picture: Image.Image) -> dict[str, Any]:
        path = self.folder / name
        picture.save(path)
        self.files[uri(path)] = path
        return {"image": {"uri": uri(path)}}

    def open(self, **fields: Any) -> OverlayPainters:
        overlay = Overlay.model_validate(fields)
        timeline = Timeline(fps=Fraction(25), length_s=Fraction(2), frames=50, samples=96000, clips=())
        placed = place_overlays([overlay], timeline, lambda _: False)
        probed = {name: probe_picture(Source("test", name, path)) for name, path in self.files.items()}
        composition = SimpleNamespace(
            canvas=Canvas(*CANVAS, "#000000"),
            sources=ProbedSources(self.files, probed),
            timeline=timeline,
        )
        return open_overlay(placed[0], composition)  # type: ignore[arg-type]

    def draw(self, frame: int = 0, **fields: Any) -> Picture:
        """Draw an overlay over white."""
        art = self.open(**fields)
        picture = solid("#ffffff", *CANVAS)
        next(art.painters(frame, 1))(picture)
        art.close()
        return planes(picture)[0]


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def seen(luma: Picture) -> tuple[int, int, int, int]:
    """The box in which it is dark: left, top, right, bottom."""
    rows, columns = np.flatnonzero((luma < 125).any(axis=1)), np.flatnonzero((luma < 125).any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@pytest.mark.parametrize(
    ("anchor", "corner"),
    [
        ("topLeft", (10, 10)),
        ("top", (65, 10)),
        ("topRight", (120, 10)),
        ("left", (10, 35)),
        ("center", (65, 35)),
        ("right", (120, 35)),
        ("bottomLeft", (10, 60)),
        ("bottom", (65, 60)),
        ("bottomRight", (120, 60)),
    ],
)
def test_an_overlay_stands_at_its_anchor_within_its_margin(stand: Stand, anchor: str, corner: tuple[int, int]) -> None:
    black = stand.image("black.png", Image.new("RGB", (30, 20)))
    x, y = corner
    assert seen(stand.draw(**black, anchor=anchor, margin=10)) == (x, y, x + 30, y + 20)


@pytest.mark.parametrize(
    ("scale", "box"),
    [(None, (0, 0, 40, 20)), (0.5, (0, 0, 80, 40)), (0.1, (0, 0, 16, 8)), (2.0, (0, 0, 160, 90))],
)
def test_its_width_is_a_share_of_that_of_the_canvas(
    stand: Stand, scale: float | None, box: tuple[int, int, int, int]
) -> None:
    black = stand.image("black.png", Image.new("RGB", (40, 20)))
    assert seen(stand.draw(**black, anchor="topLeft", margin=0, scale=scale)) == box


def test_a_picture_that_is_made_smaller_as_it_is_decoded_is_as_large(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    black = stand.image("black.jpg", Image.new("RGB", (40, 20)))
    monkeypatch.setattr("videojob_worker.media.pictures.decoding_memory.MOST_DECODED_PIXELS", 600)
    assert seen(stand.draw(**black, anchor="topLeft", margin=0)) == (0, 0, 40, 20)


def test_a_picture_is_loaded_and_drawn_in_its_turn_for_the_memory_that_is_planned(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    black, make = stand.image("black.png", Image.new("RGB", (40, 2000))), overlays._sprite
    turns: list[int] = []
    drawn: list[int] = []

    @contextmanager
    def turn(size_bytes: int) -> Iterator[None]:
        turns.append(size_bytes)
        yield
        turns.append(-1)

    def sprite(*given: Any) -> Sprite:
        drawn.extend(turns)
        return make(*given)

    monkeypatch.setattr(overlays, "memory_turn", turn)
    monkeypatch.setattr(overlays, "_sprite", sprite)
    stand.draw(**black)
    ((name, path),), overlay = stand.files.items(), Overlay.model_validate(black)
    kind = clip_kind(overlay, {name: probe_picture(Source("test", name, path))})
    assert drawn == [kind.loading_bytes(overlay, Canvas(*CANVAS, "#000000"))]


def test_memory_of_drawing_is_that_of_what_the_canvas_shows() -> None:
    large = ProbedSource("image", width=4000, height=3000)
    overlay = Overlay.model_validate({"image": {"uri": "volume://media/x"}})
    canvas = Canvas(*CANVAS, "#000000")
    assert clip_kind(overlay, {"volume://media/x": large}).loading_bytes(overlay, canvas) == 12 * 160 * 90


def test_what_is_larger_than_the_canvas_shows_the_part_at_its_anchor(stand: Stand) -> None:
    picture = Image.new("RGB", (400, 400), "white")
    picture.paste("black", (0, 0, 200, 400))
    halves = stand.image("halves.png", picture)
    assert seen(stand.draw(**halves, anchor="center", margin=0)) == (0, 0, 80, 90)
    assert (stand.draw(**halves, anchor="right", margin=0) == 235).all()
    assert (stand.draw(**halves, anchor="topLeft", margin=0, scale=10) == 16).all()


def test_a_transparent_picture_lets_through_what_is_below(stand: Stand) -> None:
    picture = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 128), (10, 0, 40, 20))
    luma = stand.draw(**stand.image("half.png", picture), anchor="topLeft", margin=0, opacity=0.5)
    assert (luma[:20, :10] == 235).all()
    assert luma[:20, 10:40].astype(int) == pytest.approx(235 - 219 * 128 / 255 / 2, abs=1)


def test_it_fades_in_and_out(stand: Stand) -> None:
    black = stand.image("black.png", Image.new("RGB", (40, 20)))
    fields = {**black, "from": "400ms", "to": "1200ms", "fadeIn": "160ms", "fadeOut": "80ms", "opacity": 0.8}
    art = stand.open(**fields, anchor="topLeft", margin=0)
    painters = list(art.painters(10, 20))
    shown = []
    for painter in painters:
        picture = solid("#ffffff", *CANVAS)
        painter(picture)
        shown.append((235 - int(picture[5, 5])) / 219 / 0.8)
    assert shown[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8], abs=0.01)
    assert shown[4:18] == pytest.approx([1] * 14, abs=0.01)
    assert shown[18:] == pytest.approx([2 / 3, 1 / 3], abs=0.01)
    # While nothing changes it is drawn by the same painter, which tells that the frames are one.
    assert len({id(painter) for painter in painters[4:18]}) == 1
    late = next(art.painters(11, 1))
    picture = solid("#ffffff", *CANVAS)
    late(picture)
    assert (235 - int(picture[5, 5])) / 219 / 0.8 == pytest.approx(0.4, abs=0.01)
