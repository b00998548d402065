"""Effects: each of MoviePy's against what MoviePy itself composes of the same frames."""

import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests import media
from tests.render.studio import Studio, color, decode, image, psnr
from videojob_contract.effects import EFFECTS
from videojob_contract.errors import PermanentError
from videojob_contract.resources.timeline import Effect
from videojob_worker.canvas import Canvas
from videojob_worker.compose import moviepy as loader
from videojob_worker.compose.layers.effects import EffectLayer
from videojob_worker.compose.layers.random_access import RandomAccess
from videojob_worker.engine import render
from videojob_worker.pixels.rgb import Converter
from videojob_worker.pixels.yuv import Picture, from_rgb, planes
from videojob_worker.plan.render_plan import build_render_plan
from videojob_worker.rendering import probe_sources
from videojob_worker.timeline.spans import SpanKind

WIDTH, HEIGHT, FRAMES, FPS = 160, 90, 20, Fraction(10)
LOOK = Canvas(WIDTH, HEIGHT, "#204060")

# One set of arguments for every effect, and more where they make a difference.
CASES: list[tuple[str, dict[str, Any]]] = [
    ("AccelDecel", {"abruptness": 0.5}),
    ("BlackAndWhite", {}),
    ("BlackAndWhite", {"RGB": [0.2, 0.7, 0.1]}),
    ("Blink", {"duration_on": 0.35, "duration_off": 0.25}),
    ("Crop", {"x1": 20, "y1": 10, "width": 60, "height": 40}),
    ("CrossFadeIn", {"duration": 0.55}),
    ("CrossFadeOut", {"duration": 0.55}),
    ("EvenSize", {}),
    ("FadeIn", {"duration": 0.5}),
    ("FadeIn", {"duration": 0.5, "initial_color": "#ff8000"}),
    ("FadeOut", {"duration": 0.5}),
    ("Freeze", {"t": 0.55, "freeze_duration": 0.5}),
    ("Freeze", {"t": "end", "freeze_duration": 0.5}),
    ("FreezeRegion", {"t": 0.25, "region": [20, 10, 90, 60]}),
    ("FreezeRegion", {"t": 0.25, "outside_region": [20, 10, 90, 60]}),
    ("GammaCorrection", {"gamma": 1.8}),
    ("InvertColors", {}),
    ("Loop", {"n": 2}),
    ("LumContrast", {"lum": 10, "contrast": 0.4}),
    ("Margin", {"margin_size": 7, "color": "#ff0000"}),
    ("MaskColor", {"color": "#000000", "threshold": 90, "stiffness": 2}),
    ("MirrorX", {}),
    ("MirrorY", {}),
    ("MultiplyColor", {"factor": 0.5}),
    ("MultiplySpeed", {"factor": 0.5}),
    ("Painting", {}),
    ("Resize", {"new_size": 0.5}),
    ("Resize", {"width": 320}),
    ("Rotate", {"angle": 30}),
    ("Rotate", {"angle": 90}),
    ("Rotate", {"angle": 10, "expand": False, "bg_color": "#ffffff"}),
    ("Scroll", {"w": 100, "x_speed": 20}),
    ("SlideIn", {"duration": 0.95, "side": "left"}),
    ("SlideIn", {"duration": 0.95, "side": "top"}),
    ("SlideOut", {"duration": 0.95, "side": "bottom"}),
    ("SuperSample", {"d": 0.2, "n_frames": 3}),
    ("TimeMirror", {}),
    ("TimeSymmetrize", {}),
]


class Reel:
    """Pictures one by one, of a photograph that moves under a mark that says which frame it is."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        with Image.open(media.photographs(WIDTH + FRAMES * 2, HEIGHT)[0]) as opened:
            whole = np.asarray(opened.convert("RGB"))
        self.made = []
        for number in range(FRAMES):
            pixels = whole[:, number * 2 : number * 2 + WIDTH].copy()
            pixels[:20, : (number + 1) * 8] = 250
            self.made.append(from_rgb(Image.fromarray(pixels)))

    def pictures(self, first: int, count: int) -> Iterator[Picture]:
        self.asked.append((first, count))
        buffer = np.empty_like(self.made[0])
        for picture in self.made[first : first + count]:
            buffer[...] = picture
            yield buffer

    def close(self) -> None:
        self.asked.clear()


@pytest.fixture(scope="module")
def reel() -> Reel:
    return Reel()


def layer(reel: Reel, *effects: tuple[str, dict[str, Any]]) -> EffectLayer:
    wanted = [Effect(name=name, args=args) for name, args in effects]
    return EffectLayer(reel, wanted, "spec.clips[0].effects", frames=FRAMES, fps=FPS, canvas=LOOK)


def composed(reel: Reel, name: str, args: dict[str, Any]) -> list[npt.NDArray[np.uint8]]:
    """What MoviePy makes of an effect: composed in the middle of the background."""
    moviepy = loader.load_moviepy()
    converter = Converter(WIDTH, HEIGHT)
    frames = [converter.to_rgb(picture).copy() for picture in reel.made]
    colors = {key: tuple(bytes.fromhex(value[1:])) for key, value in args.items() if str(value).startswith("#")}
    clip = moviepy.VideoClip(lambda t: frames[min(max(0, round(t * 1000) // 100), FRAMES - 1)], duration=2).with_fps(10)
    made = clip.with_effects([getattr(moviepy.vfx, name)(**(args | colors))])
    if not name.startswith("Slide"):
        made = made.with_position("center")
    canvas = moviepy.CompositeVideoClip([made], size=(WIDTH, HEIGHT), bg_color=(0x20, 0x40, 0x60))
    return [canvas.get_frame(number / 10) for number in range(FRAMES)]


@pytest.mark.parametrize(("name", "args"), CASES, ids=[f"{name} {args}" for name, args in CASES])
def test_an_effect_is_what_moviepy_makes_of_it(reel: Reel, name: str, args: dict[str, Any]) -> None:
    expected = composed(reel, name, args)
    for number, picture in enumerate(layer(reel, (name, args)).pictures(0, FRAMES)):
        theirs = from_rgb(Image.fromarray(expected[number]))
        assert psnr(picture[:HEIGHT], theirs[:HEIGHT]) > 42
        assert psnr(picture[HEIGHT:], theirs[HEIGHT:]) > 42


def test_every_effect_that_is_not_refused_is_tested() -> None:
    tried = {name for name, _ in CASES} | {"HeadBlur", "MakeLoopable"}
    assert {name for name, each in EFFECTS.items() if not each.entry.refused} <= tried


def mark(picture: Picture) -> int:
    """Which frame a picture says that it is."""
    return int((planes(picture)[0][5] > 200).sum()) // 8 - 1


def test_effects_apply_in_order(reel: Reel) -> None:
    faster = ("MultiplySpeed", {"factor": 2})
    there_and_back = layer(reel, faster, ("TimeSymmetrize", {}))
    assert [mark(picture) for picture in there_and_back.pictures(0, FRAMES)] == [
        *range(0, FRAMES, 2),
        *reversed(range(0, FRAMES, 2)),
    ]
    flipped = layer(reel, ("Crop", {"x1": 0, "width": WIDTH // 2}), ("Resize", {"new_size": [WIDTH, HEIGHT]}))
    assert [mark(picture) for picture in flipped.pictures(2, 3)] == [5, 7, 9]


def test_a_loop_without_a_seam_fits_when_it_goes_on(reel: Reel) -> None:
    looped = layer(reel, ("MakeLoopable", {"overlap_duration": 0.5}), ("Loop", {"n": 2}))
    shown = [picture.copy() for picture in looped.pictures(0, FRAMES)]
    assert [mark(picture) for picture in shown[:10]] == list(range(5, 15))
    # It starts over after a second and a half, with what has faded in by then.
    assert (shown[15] == shown[0]).all()
    assert psnr(shown[14], reel.made[4]) > psnr(shown[10], reel.made[0])


def test_a_blurred_spot_goes_through_places(reel: Reel) -> None:
    spots = {"fx": [30, 130], "fy": 60, "radius": 15, "intensity": 6}
    for number, picture in enumerate(layer(reel, ("HeadBlur", spots)).pictures(0, FRAMES)):
        changed = np.abs(picture[:HEIGHT].astype(int) - reel.made[number][:HEIGHT]) > 3
        columns = np.flatnonzero(changed.any(axis=0))
        assert columns.size
        x = 30 + 100 * number / FRAMES
        assert x - 17 <= columns[0]
        assert columns[-1] <= x + 17


def test_pictures_from_the_middle_on_are_those_of_the_whole(reel: Reel) -> None:
    cases: list[tuple[str, dict[str, Any]]] = [
        ("FadeOut", {"duration": 1}),
        ("TimeMirror", {}),
        ("Freeze", {"t": 1, "freeze_duration": 1}),
    ]
    for effect in cases:
        whole = [picture.copy() for picture in layer(reel, effect).pictures(0, FRAMES)]
        late = [picture.copy() for picture in layer(reel, effect).pictures(13, 4)]
        assert all((one == other).all() for one, other in zip(whole[13:17], late, strict=True))


def test_a_layer_is_read_forwards_and_started_over_seldom(reel: Reel) -> None:
    reel.asked.clear()
    for number in range(5, 15):
        RandomAccess(reel, FRAMES).at(number)
    assert reel.asked == [(number, FRAMES - number) for number in range(5, 15)]
    reel.asked.clear()
    backwards = RandomAccess(reel, FRAMES)
    for number in reversed(range(FRAMES)):
        assert mark(backwards.at(number)) == number
    backwards.close()
    # The last alone, and then all before it in one go.
    assert reel.asked == [(FRAMES - 1, 1), (0, FRAMES)]


def test_a_picture_is_read_again_when_memory_for_it_ran_out(reel: Reel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videojob_worker.compose.layers.random_access._HELD_BYTES", 3 * reel.made[0].nbytes)
    jumping = RandomAccess(reel, FRAMES)
    order = [19, 18, 17, 16, 3, 2, 19, 0, 1, 12]
    assert [mark(jumping.at(number)) for number in order] == order
    jumping.close()


def test_an_effect_that_fails_is_named(reel: Reel) -> None:
    failing = layer(reel, ("MirrorX", {}), ("Rotate", {"angle": 3, "unit": "deg", "resample": "cubic"}))
    with pytest.raises(PermanentError, match=r"^spec\.clips\[0\]\.effects\[1\]: Rotate: ValueError: 'resample'"):
        next(failing.pictures(0, 1))


def test_a_clip_that_effects_leave_too_short_is_refused(reel: Reel) -> None:
    with pytest.raises(
        PermanentError, match=r"effects: MultiplySpeed leave 1\.000s of a clip that should last 2\.000s"
    ):
        next(layer(reel, ("MultiplySpeed", {"factor": 2})).pictures(0, 1))


def test_moviepy_loads_without_its_programs_and_files() -> None:
    program = (
        "import sys, subprocess; subprocess.Popen = None\n"
        "from videojob_worker.compose.moviepy import load_moviepy\n"
        "assert load_moviepy().vfx.MirrorX\n"
        "assert not {'imageio_ffmpeg', 'dotenv'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_a_conversion_to_rgb_and_back_changes_nothing(reel: Reel) -> None:
    converter, out = Converter(WIDTH, HEIGHT), np.empty_like(reel.made[0])
    for picture in reel.made[:2]:
        converter.to_picture(converter.to_rgb(picture), out)
        assert np.abs(out[:HEIGHT].astype(int) - picture[:HEIGHT]).max() <= 2
        assert psnr(out[HEIGHT:], picture[HEIGHT:]) > 50
    flat = np.full((HEIGHT, WIDTH, 3), (200, 30, 90), np.uint8)
    converter.to_picture(flat, out)
    assert np.abs(converter.to_rgb(out).astype(int) - flat).max() <= 2


def test_effects_are_seen_in_the_video_and_leave_stills_still(studio: Studio) -> None:
    first, second = media.photographs(WIDTH, HEIGHT)[:2]
    request = studio.request(
        [
            image(first, "2s", effects=[{"name": "InvertColors"}]),
            image(
                second,
                "2s",
                effects=[{"name": "FadeIn", "args": {"duration": 1}}],
                transition={"type": "crossfade", "duration": "400ms"},
            ),
            color("#ffffff", effects=[{"name": "MultiplyColor", "args": {"factor": 0.5}}]),
        ],
        files=[first, second],
        outputs=[{"name": "main", "format": "mp4", "crf": 1}],
    )
    probed = probe_sources(request, lambda _: None, lambda: False)
    kinds = [span.kind for span in build_render_plan(request, probed).spans]
    assert kinds == [SpanKind.STILL, SpanKind.EFFECT, SpanKind.EFFECT, SpanKind.STILL]
    made = decode(render(request, lambda _: None, lambda: False)[0].path)
    with Image.open(first) as opened:
        negative = from_rgb(Image.fromarray(255 - np.asarray(opened.convert("RGB"))))
    assert psnr(made[5][:HEIGHT], negative[:HEIGHT]) > 40
    assert made[-1][:HEIGHT].astype(float) == pytest.approx(16 + 219 * 0.5, abs=1.5)
    # Its fade in is black at first, and goes on after the crossfade.
    levels = made[40:, :HEIGHT].mean(axis=(1, 2))
    assert levels[12] < levels[20] < levels[26] == pytest.approx(levels[40], abs=1)
