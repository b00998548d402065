"""Every picture and video that people have fits every canvas that they ask for, by every fit, anchor and motion."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.render.studio import Studio, image, probe
from videojob_contract.resources.motion import Motion
from videojob_contract.resources.timeline import Anchor, Fit
from videojob_worker.compose.ken_burns import views
from videojob_worker.pixels.fit import contained, cover_box, fit_image, placed
from videojob_worker.pixels.place import place, steps

LANDSCAPE = [
    *((640, 480), (1024, 768), (1600, 1200), (2000, 1333), (2000, 1500), (2048, 1536), (2592, 1944), (3264, 2448)),
    *((4000, 3000), (4032, 3024), (4608, 3456), (5184, 3888), (8000, 6000), (8064, 6048), (9248, 6936)),
    *((2400, 1600), (3000, 2000), (4288, 2848), (4928, 3264), (5472, 3648), (6000, 4000), (6720, 4480), (8256, 5504)),
    *((1280, 720), (1366, 768), (1920, 1080), (1920, 1200), (2560, 1440), (2560, 1600), (3440, 1440), (3840, 2160)),
    *((2340, 1080), (2532, 1170), (2778, 1284), (3088, 1440), (4000, 1848), (720, 576), (720, 480), (854, 480)),
    *((11648, 8736), (12000, 3000), (1001, 667), (333, 251), (1080, 1080), (4096, 4096), (16000, 9), (3, 2)),
]
SIZES = sorted({*LANDSCAPE, *((height, width) for width, height in LANDSCAPE)})
CANVASES = [
    *((1920, 1080), (1080, 1920), (1280, 720), (720, 1280), (3840, 2160), (2160, 3840), (1080, 1080), (1080, 1350)),
    *(
        (1440, 1080),
        (640, 360),
        (854, 480),
        (2560, 1440),
        (2048, 858),
        (1998, 1080),
        (720, 576),
        (16, 16),
        (1206, 2622),
    ),
]
PAIRS = list(product(SIZES, CANVASES))
sides = st.integers(1, 20_000)
even_sides = st.integers(8, 4096).map(lambda half: 2 * half)


def check_cover(source: tuple[int, int], canvas: tuple[int, int], anchor: Anchor) -> None:
    left, top, right, bottom = cover_box(source, canvas, anchor)
    assert 0 <= left < right <= source[0]
    assert 0 <= top < bottom <= source[1]
    assert (right - left) * canvas[1] == (bottom - top) * canvas[0], "not of the canvas' shape"
    assert right - left == source[0] or bottom - top == source[1], "not as large as possible"


def check_contained(source: tuple[int, int], canvas: tuple[int, int], anchor: Anchor) -> None:
    width, height = contained(source, canvas)
    assert 1 <= width <= canvas[0]
    assert 1 <= height <= canvas[1]
    assert width == canvas[0] or height == canvas[1], "touches no edge"
    left, top = placed((width, height), canvas, anchor)
    assert 0 <= left <= canvas[0] - width
    assert 0 <= top <= canvas[1] - height


def check_steps(source: tuple[int, int], canvas: tuple[int, int], fit: Fit, anchor: Anchor) -> None:
    where = place(source, canvas, fit, anchor)
    assert 0 <= where.left <= canvas[0] - where.width
    assert 0 <= where.top <= canvas[1] - where.height
    found = steps(source, where)
    width, height, left, top = found.before
    assert 0 <= left < left + width <= source[0]
    assert 0 <= top < top + height <= source[1]
    width, height, left, top = found.after
    assert 0 <= left <= found.scaled[0] - width
    assert 0 <= top <= found.scaled[1] - height


@pytest.mark.parametrize("anchor", Anchor)
def test_every_common_size_fits_every_common_canvas(anchor: Anchor) -> None:
    for source, canvas in PAIRS:
        check_cover(source, canvas, anchor)
        check_contained(source, canvas, anchor)
        for fit in Fit:
            check_steps(source, canvas, fit, anchor)


@given(source=st.tuples(sides, sides), canvas=st.tuples(even_sides, even_sides), anchor=st.sampled_from(Anchor))
def test_any_size_fits_any_canvas(source: tuple[int, int], canvas: tuple[int, int], anchor: Anchor) -> None:
    check_cover(source, canvas, anchor)
    check_contained(source, canvas, anchor)
    for fit in Fit:
        check_steps(source, canvas, fit, anchor)


@pytest.mark.parametrize("fit", Fit)
def test_pillow_takes_every_box(fit: Fit) -> None:
    """It refuses an edge that is outside of the picture by a rounding error."""
    canvases = [(192, 108), (108, 192), (108, 108)]
    for source in {(width // 10 or 1, height // 10 or 1) for width, height in SIZES}:
        picture = Image.new("RGB", source, "#806040")
        for canvas, anchor in product(canvases, (Anchor.CENTER, Anchor.TOP_LEFT, Anchor.BOTTOM_RIGHT)):
            assert fit_image(picture, canvas, fit, anchor, (0, 0, 0)).size == canvas


@pytest.mark.parametrize("fit", Fit)
def test_a_motion_stays_within_every_picture(fit: Fit) -> None:
    motions = [
        Motion.model_validate({"zoom": {"from": 1, "to": 1.3}}),
        Motion.model_validate({"zoom": {"from": 3.7, "to": 1.1}}),
        Motion.model_validate(
            {
                "pan": {
                    "from": {"left": 0.1, "top": 0.3, "width": 0.6, "height": 0.7},
                    "to": {"left": 0.7, "top": 0, "width": 0.3, "height": 0.3},
                }
            }
        ),
    ]
    for (source, canvas), motion, anchor in product(PAIRS[::5], motions, (Anchor.CENTER, Anchor.BOTTOM_RIGHT)):
        path = views(motion, source, canvas, fit, anchor)
        for box in (path.first, path.last):
            assert 0 <= box[0] < box[2] <= source[0]
            assert 0 <= box[1] < box[3] <= source[1]


@pytest.mark.parametrize(
    ("size", "canvas"),
    [
        ((4000, 3000), (1920, 1080)),
        ((4000, 6000), (1920, 1080)),
        ((2000, 1333), (1920, 1080)),
        ((3000, 4000), (1080, 1920)),
    ],
)
def test_a_photograph_is_rendered_with_the_defaults(
    studio: Studio, size: tuple[int, int], canvas: tuple[int, int]
) -> None:
    path = studio.scratch.parent / "photograph.jpg"
    Image.new("RGB", size, "#3060a0").save(path)
    movie = studio.movie([image(path, "200ms")], files=[path], size=canvas)
    [stream] = [each for each in probe(movie)["streams"] if each["codec_type"] == "video"]
    assert (stream["width"], stream["height"]) == canvas
    assert Fraction(stream["nb_frames"]) > 0
