"""Motion: where things are at each frame, to a fraction of a pixel, and how sharp they are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.render.studio import Studio, color, decode, image
from videojob_contract.resources.motion import Easing, Motion
from videojob_contract.resources.timeline import Anchor, Clip, Fit
from videojob_worker.canvas import Canvas
from videojob_worker.compose.easing import ease
from videojob_worker.compose.ken_burns import views
from videojob_worker.compose.layers.motion import MAX_PIXELS, MotionLayer, _sized, move_image, move_layer
from videojob_worker.media.files.source import Source
from videojob_worker.media.probe import ProbedSource
from videojob_worker.pixels.fit import Box
from videojob_worker.pixels.window import Window
from videojob_worker.pixels.yuv import Picture, from_rgb, planes, solid

LOOK = Canvas(160, 90, "#000000")
FRAMES = 60
HD = (1600, 900)


def disc(size: tuple[int, int], x: float, y: float, radius: float) -> Image.Image:
    """A disc of orange about a point, in pixels, on black, with a smooth edge."""
    across, down = np.arange(size[0]) + 0.5 - x, np.arange(size[1]) + 0.5 - y
    shape = np.clip((radius - np.hypot(across[None, :], down[:, None])) / 12 + 0.5, 0, 1)
    return Image.fromarray((shape[:, :, None] * (255, 140, 0)).round().astype(np.uint8))


def middle(plane: Picture, ground: int) -> tuple[float, float]:
    """The centre of what differs from the ground of a plane, in its pixels."""
    weights = plane.astype(float) - ground
    columns, rows = np.arange(plane.shape[1]) + 0.5, np.arange(plane.shape[0]) + 0.5
    total = weights.sum()
    return float((weights.sum(axis=0) * columns).sum() / total), float((weights.sum(axis=1) * rows).sum() / total)


def clip(motion: dict[str, Any], **fields: Any) -> Clip:
    return Clip.model_validate({"color": "#000000", "duration": "2s", "motion": motion, **fields})


def moved(path: Path, asked: Clip, canvas: Canvas = LOOK, frames: int = FRAMES) -> list[Picture]:
    assert asked.motion is not None
    with Image.open(path) as opened:
        probed = ProbedSource("image", *opened.size)
    layer = move_image(Source("image", "x", path), probed, asked.motion, asked, frames=frames, canvas=canvas)
    return [picture.copy() for picture in layer.pictures(0, frames)]


MOTIONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a slow zoom in", {"zoom": {"to": 1.15}}, {}),
    ("a zoom out about a corner", {"zoom": {"from": 1.4, "to": 1}, "easing": "easeOut"}, {"anchor": "topLeft"}),
    (
        "a pan at one size",
        {
            "pan": {
                "from": {"left": 0.1, "top": 0.1, "width": 0.7, "height": 0.7},
                "to": {"left": 0.25, "top": 0.2, "width": 0.7, "height": 0.7},
            },
            "easing": "linear",
        },
        {},
    ),
    (
        "a pan between shapes that the canvas has not, with a zoom",
        {
            "pan": {
                "from": {"left": 0, "top": 0, "width": 1, "height": 0.9},
                "to": {"left": 0.3, "top": 0.2, "width": 0.5, "height": 0.7},
            },
            "zoom": {"from": 1, "to": 1.2},
            "easing": "easeIn",
        },
        {"anchor": "right"},
    ),
]


@pytest.mark.parametrize(("motion", "fields"), [case[1:] for case in MOTIONS], ids=[case[0] for case in MOTIONS])
def test_things_move_evenly_to_a_fraction_of_a_pixel(
    motion: dict[str, Any], fields: dict[str, Any], tmp_path: Path
) -> None:
    x, y = 0.53, 0.53
    path = tmp_path / "disc.png"
    disc(HD, x * HD[0], y * HD[1], 120).save(path)
    asked = clip(motion, **fields)
    assert asked.motion is not None
    shown = moved(path, asked)
    expected_path = views(asked.motion, HD, (160, 90), asked.fit, asked.anchor)
    for number, picture in enumerate(shown):
        left, top, right, bottom = expected_path.at(number / (FRAMES - 1))
        at = ((x * HD[0] - left) / (right - left) * 160, (y * HD[1] - top) / (bottom - top) * 90)
        luma, cb, cr = planes(picture)
        assert middle(luma, 16) == pytest.approx(at, abs=0.05)
        for plane in (cb, cr):
            across, down = middle(plane, 128)
            # Chroma is sited left: the middle of its first pixel is that of the first pixel of luma.
            assert (across * 2 - 0.5, down * 2) == pytest.approx(at, abs=0.1)


@pytest.mark.parametrize("easing", Easing)
def test_a_motion_shows_its_first_view_first_and_its_last_view_last(easing: Easing) -> None:
    motion = Motion.model_validate({"zoom": {"from": 1, "to": 2}, "easing": easing})
    path = views(motion, (400, 200), (200, 100), Fit.COVER, Anchor.CENTER)
    assert path.at(0) == pytest.approx((0, 0, 400, 200))
    assert path.at(1) == pytest.approx((100, 50, 300, 150))
    # The size changes by the same ratio in the same time, so that the zoom looks even.
    left, _, right, _ = path.at(0.5)
    assert right - left == pytest.approx(400 / 2 ** ease(easing, 0.5))


@pytest.mark.parametrize(
    ("anchor", "last"),
    [
        (Anchor.TOP_LEFT, (0, 0, 200, 100)),
        (Anchor.BOTTOM_RIGHT, (200, 100, 400, 200)),
        (Anchor.LEFT, (0, 50, 200, 150)),
    ],
)
def test_a_zoom_keeps_its_anchor(anchor: Anchor, last: Box) -> None:
    motion = Motion.model_validate({"zoom": {"from": 1, "to": 2}})
    assert views(motion, (400, 200), (200, 100), Fit.COVER, anchor).last == pytest.approx(last)


def test_a_rectangle_covers_the_canvas_or_is_stretched_to_it() -> None:
    rectangle = {"left": 0.5, "top": 0, "width": 0.25, "height": 1}
    motion = Motion.model_validate({"pan": {"from": rectangle, "to": rectangle}})
    cover = views(motion, (400, 200), (200, 100), Fit.COVER, Anchor.TOP)
    assert cover.at(0.3) == pytest.approx((200, 0, 300, 50))
    stretch = views(motion, (400, 200), (200, 100), Fit.STRETCH, Anchor.TOP)
    assert stretch.at(0.3) == pytest.approx((200, 0, 300, 200))


shares = st.floats(0, 1)
rectangles = st.tuples(shares, shares, shares, shares).map(
    lambda four: {
        "left": four[0] * 0.98,
        "top": four[1] * 0.98,
        "width": 0.011 + (1 - four[0] * 0.98 - 0.011) * four[2],
        "height": 0.011 + (1 - four[1] * 0.98 - 0.011) * four[3],
    }
)
zooms = st.floats(1, 10)


@given(
    st.fixed_dictionaries({"from": rectangles, "to": rectangles}) | st.none(),
    st.fixed_dictionaries({"from": zooms, "to": zooms}) | st.none(),
    st.tuples(st.integers(1, 20000), st.integers(1, 20000)),
    st.tuples(st.sampled_from(Fit), st.sampled_from(Anchor)),
    st.tuples(st.sampled_from(Easing), shares),
)
def test_a_view_is_always_within_the_picture(
    pan: dict[str, Any] | None,
    zoom: dict[str, Any] | None,
    picture: tuple[int, int],
    held: tuple[Fit, Anchor],
    moment: tuple[Easing, float],
) -> None:
    motion = Motion.model_validate({"pan": pan, "zoom": zoom or {}, "easing": moment[0]})
    left, top, right, bottom = views(motion, picture, (160, 90), *held).at(moment[1])
    assert 0 <= left < right <= picture[0] + 1e-9
    assert 0 <= top < bottom <= picture[1] + 1e-9
    assert max(_sized(picture, zoom["from"] if zoom else 1)) >= 2
    assert np.prod(_sized(picture, 10)) <= MAX_PIXELS * 1.01


def test_a_window_on_all_of_a_picture_shows_it_as_it_is() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (135, 160), np.uint8)
    out = np.empty_like(picture)
    Window(picture).view((0, 0, 160, 90), out)
    assert (out == picture).all()


@pytest.mark.parametrize(("width", "canvas"), [(4000, 40), (8192, 16)])
def test_a_window_can_be_many_times_as_large_as_the_canvas(width: int, canvas: int) -> None:
    picture, out = solid("#ff0000", width, 600), solid("#000000", canvas, 20)
    Window(picture).view((0, 0, width, 600), out)
    assert (out == solid("#ff0000", canvas, 20)).all()


def test_what_is_too_fine_for_the_canvas_turns_grey_instead_of_flickering(tmp_path: Path) -> None:
    stripes = np.zeros((360, 640), np.uint8)
    stripes[:, ::2] = 255
    path = tmp_path / "stripes.png"
    Image.fromarray(stripes).save(path)
    for picture in moved(path, clip({"zoom": {"from": 4, "to": 3}, "easing": "linear"}))[30:]:
        assert planes(picture)[0].std() < 80
    for picture in moved(path, clip({"zoom": {"from": 1, "to": 1.3}})):
        assert planes(picture)[0][:, 4:-4].std() < 8


def test_a_zoom_shows_what_the_original_has_and_the_canvas_has_not(tmp_path: Path) -> None:
    stripes = np.zeros((360, 640), np.uint8)
    stripes[:, ::2] = 255
    path = tmp_path / "stripes.png"
    Image.fromarray(stripes).save(path)
    first, *_, last = moved(path, clip({"zoom": {"from": 1, "to": 4}}))
    assert planes(first)[0][:, 4:-4].std() < 8
    # At four times, every pixel of the original is one of the canvas.
    assert planes(last)[0].std() > 105


@pytest.mark.parametrize(("fit", "bar"), [("contain", 16), ("blur", 173 * 0.7 + 16 * 0.3)])
def test_what_is_beside_a_picture_zooms_with_it(fit: str, bar: float, tmp_path: Path) -> None:
    path = tmp_path / "green.png"
    Image.new("RGB", (900, 900), "#00ff00").save(path)
    first, *_, last = moved(path, clip({"zoom": {"from": 1, "to": 1.5}}, fit=fit))
    # 90 of 160 columns at first, and then 135.
    for picture, width in ((first, 90), (last, 135)):
        luma = planes(picture)[0]
        assert (luma[45] > 165).sum() == pytest.approx(width, abs=2)
        assert luma[45, :8] == pytest.approx(bar, abs=2)


def test_a_layer_as_large_as_the_canvas_moves_too() -> None:
    picture = from_rgb(disc((160, 90), 40, 45, 15))
    asked = clip({"zoom": {"from": 1, "to": 2}, "easing": "linear"}, anchor="left")
    assert asked.motion is not None
    layer: MotionLayer = move_layer(
        Changing([picture, solid("#000000", 160, 90)]), asked.motion, asked, frames=8, canvas=LOOK
    )
    shown = [made.copy() for made in layer.pictures(0, 8)]
    assert all((planes(made)[0] == 16).all() for made in shown[1::2])
    for number in (0, 2, 4, 6):
        assert middle(planes(shown[number])[0], 16) == pytest.approx((40 * 2 ** (number / 7), 45), abs=0.05)
    late = [made.copy() for made in layer.pictures(5, 2)]
    assert [(made == expected).all() for made, expected in zip(late, shown[5:7], strict=True)] == [True, True]
    layer.close()


class Changing:
    """Shows pictures in turn, in one buffer."""

    def __init__(self, pictures: list[Picture]) -> None:
        self._pictures = pictures
        self._buffer = np.empty_like(pictures[0])

    def pictures(self, first: int, count: int) -> Iterator[Picture]:
        for number in range(first, first + count):
            self._buffer[...] = self._pictures[number % len(self._pictures)]
            yield self._buffer

    def close(self) -> None:
        self._buffer = np.empty((0, 0), np.uint8)


def test_a_picture_moves_in_the_video(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "disc.png"
    disc((640, 360), 320, 180, 60).save(path)
    pan = {
        "from": {"left": 0, "top": 0, "width": 0.8, "height": 0.8},
        "to": {"left": 0.2, "top": 0.2, "width": 0.8, "height": 0.8},
    }
    made = decode(
        studio.movie(
            [
                image(path, motion={"pan": pan, "easing": "linear"}),
                color("#000000", transition={"type": "crossfade", "duration": "400ms"}),
            ],
            files=[path],
            outputs=[{"name": "main", "format": "mp4", "crf": 1}],
        )
    )
    assert len(made) == 40
    for number in range(24):
        # The motion lasts as long as the clip, its transition included.
        left, top = (share * 0.2 * number / 24 for share in (160, 90))
        at = ((80 - left) / 0.8, (45 - top) / 0.8)
        assert middle(made[number][:90], 16) == pytest.approx(at, abs=0.15)
