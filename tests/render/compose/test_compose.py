"""Pictures: colour conversion, fit, and transitions against known values and ffmpeg."""

import numpy as np
import pytest
from PIL import Image

from tests import media
from tests.render.studio import psnr
from videojob_contract.resources.timeline import Anchor, Fit, Gradient
from videojob_worker.pixels.backdrop import backdrop_image, backdrop_picture, backdrop_size
from videojob_worker.pixels.fit import fit_image
from videojob_worker.pixels.gradient import gradient
from videojob_worker.pixels.yuv import exact_yuv, from_rgb, planes, rgb_to_yuv, solid, to_rgb

# 8-bit limited range values of BT.709's 100 % colour bars.
BARS = {
    "#000000": (16, 128, 128),
    "#ffffff": (235, 128, 128),
    "#ff0000": (63, 102, 240),
    "#00ff00": (173, 42, 26),
    "#0000ff": (32, 240, 118),
    "#ffff00": (219, 16, 138),
    "#00ffff": (188, 154, 16),
    "#ff00ff": (78, 214, 230),
}


@pytest.mark.parametrize(("color", "expected"), BARS.items())
def test_colour_bars_have_their_standard_values(color: str, expected: tuple[int, int, int]) -> None:
    rgb = tuple(bytes.fromhex(color[1:]))
    assert rgb_to_yuv((rgb[0], rgb[1], rgb[2])) == expected
    for picture in (solid(color, 18, 16), from_rgb(Image.new("RGB", (18, 16), color))):
        for plane, value in zip(planes(picture), expected, strict=True):
            assert np.abs(plane.astype(int) - value).max() <= 1
        back = np.asarray(to_rgb(picture)).astype(int)
        assert np.abs(back - rgb).max() <= 3


def test_planes_have_the_layout_of_yuv420p() -> None:
    luma, cb, cr = planes(np.arange(6 * 3, dtype=np.uint8).reshape(3, 6))
    assert luma.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert cb.tolist() == [[12, 13, 14]]
    assert cr.tolist() == [[15, 16, 17]]


def test_chroma_is_sited_left() -> None:
    # One red column at an even place lies on a chroma sample; at an odd place, half way between two of them.
    on_sample, between = (np.zeros((4, 12, 3), np.uint8) for _ in range(2))
    on_sample[:, 6] = between[:, 7] = (255, 0, 0)
    cr = [planes(from_rgb(Image.fromarray(pixels)))[2][0].astype(int) - 128 for pixels in (on_sample, between)]
    assert cr[0].tolist() == [0, 0, 0, 56, 0, 0]
    assert cr[1].tolist() == [0, 0, 0, 28, 28, 0]


def test_a_photograph_survives_the_conversion() -> None:
    with Image.open(media.photographs(640, 360)[0]) as photograph:
        photograph.load()
    assert psnr(np.asarray(to_rgb(from_rgb(photograph))), np.asarray(photograph)) > 33


@pytest.fixture
def halves() -> Image.Image:
    """Left half red, right half blue, 400x200."""
    picture = Image.new("RGB", (400, 200), "red")
    picture.paste("blue", (200, 0, 400, 200))
    return picture


def pixel(picture: Image.Image, x: float, y: float) -> str:
    red, green, blue = np.asarray(picture)[int(y * (picture.height - 1)), int(x * (picture.width - 1))]
    # Sharp scaling rings a little at the edge between the halves.
    return {max(red, 200): "red", max(blue, 200): "blue", max(green, 200): "green"}[max(red, green, blue)]


@pytest.mark.parametrize(
    ("anchor", "left", "right"),
    [(Anchor.CENTER, "red", "blue"), (Anchor.LEFT, "red", "red"), (Anchor.RIGHT, "blue", "blue")],
)
def test_cover_fills_the_canvas_and_keeps_its_anchor(
    halves: Image.Image, anchor: Anchor, left: str, right: str
) -> None:
    out = fit_image(halves, (100, 100), Fit.COVER, anchor, (0, 255, 0))
    assert out.size == (100, 100)
    assert (pixel(out, 0, 0.5), pixel(out, 1, 0.5)) == (left, right)


@pytest.mark.parametrize(("anchor", "top"), [(Anchor.CENTER, 25), (Anchor.TOP_LEFT, 0), (Anchor.BOTTOM, 50)])
def test_contain_shows_all_on_the_background(halves: Image.Image, anchor: Anchor, top: int) -> None:
    out = np.asarray(fit_image(halves, (100, 100), Fit.CONTAIN, anchor, (0, 255, 0)))
    shown = (out != (0, 255, 0)).any(axis=2)
    assert shown[top : top + 50].all()
    assert shown.sum() == 50 * 100


def test_stretch_fills_the_canvas_with_the_whole_picture(halves: Image.Image) -> None:
    out = fit_image(halves, (100, 300), Fit.STRETCH, Anchor.CENTER, (0, 255, 0))
    assert [pixel(out, x, y) for x in (0, 1) for y in (0, 1)] == ["red", "red", "blue", "blue"]


def test_cover_keeps_the_shape_of_things() -> None:
    circle = Image.new("L", (1000, 500))
    circle.paste(255, (400, 150, 600, 350))
    out = np.asarray(fit_image(circle.convert("RGB"), (300, 200), Fit.COVER, Anchor.CENTER, (0, 0, 0)))[:, :, 0] > 127
    assert np.flatnonzero(out.any(axis=0)).size == np.flatnonzero(out.any(axis=1)).size == 80


def test_blur_shows_all_on_a_dark_blurred_copy() -> None:
    picture = Image.new("RGB", (100, 200), "#00ff00")
    picture.paste("#ffffff", (0, 0, 100, 100))
    out = np.asarray(fit_image(picture, (320, 180), Fit.BLUR, Anchor.CENTER, (0, 0, 0))).astype(int)
    sharp = out[:, 115:205]
    assert (sharp[:88] == 255).all()
    assert (sharp[92:] == (0, 255, 0)).all()
    for side in (out[:, :110], out[:, 210:]):
        # What covers the canvas is a stretch about the edge in the middle, too narrow to be sharp.
        assert side[:5] == pytest.approx(np.full_like(side[:5], 255 * 0.7), abs=3)
        assert side[-5:, :, 1] == pytest.approx(255 * 0.7, abs=3)
        assert np.abs(np.diff(side[:, :, 0], axis=0)).max() < 12


def test_the_backdrop_of_a_video_is_that_of_an_image() -> None:
    with Image.open(media.photographs(640, 360)[0]) as opened:
        small = opened.convert("RGB").resize(backdrop_size((320, 180)))
    images = backdrop_image(small, (320, 180))
    videos = backdrop_picture(from_rgb(small), (320, 180))
    assert psnr(np.asarray(to_rgb(videos)), np.asarray(images)) > 38


@pytest.mark.parametrize(
    ("angle", "axis"), [(0, (1, 0)), (90, (0, 1)), (180, (-1, 0)), (45, (1, 1)), (200, (-0.9397, -0.342))]
)
def test_a_gradient_goes_evenly_from_corner_to_corner(angle: float, axis: tuple[float, float]) -> None:
    width, height = 320, 180
    picture = gradient(Gradient(colors=["#102030", "#e0c0a0"], angle=angle), width, height)
    x, y = np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2
    place = (x[None, :] * axis[0] + y[:, None] * axis[1]) / (abs(width * axis[0]) + abs(height * axis[1])) + 0.5
    first, last = exact_yuv((0x10, 0x20, 0x30)), exact_yuv((0xE0, 0xC0, 0xA0))
    luma, cb, cr = planes(picture)
    exact = first[0] + (last[0] - first[0]) * place
    assert np.abs(luma - exact).max() <= 1
    for number, plane in ((1, cb), (2, cr)):
        sited = (place[0::2, 0::2] + place[1::2, 0::2]) / 2
        assert np.abs(plane - (first[number] + (last[number] - first[number]) * sited)).max() <= 1


def test_a_gradient_has_no_steps() -> None:
    # Over eight values of luma, each band would be 80 columns wide.
    picture = gradient(Gradient(colors=["#404040", "#484848"]), 640, 360)
    luma = planes(picture)[0]
    exact = np.interp((np.arange(640) + 0.5) / 640, [0, 1], [exact_yuv((v, v, v))[0] for v in (0x40, 0x48)])
    assert np.abs(luma.mean(axis=0) - exact).max() < 0.12
    assert (gradient(Gradient(colors=["#404040", "#484848"]), 640, 360) == picture).all()


def test_colours_of_a_gradient_are_evenly_spaced() -> None:
    luma = planes(gradient(Gradient(colors=["#000000", "#ffffff", "#000000"]), 320, 180))[0].astype(float)
    assert luma[0, [0, 80, 160, 239, 319]] == pytest.approx([16.7, 126, 234, 126, 16.7], abs=1.5)
