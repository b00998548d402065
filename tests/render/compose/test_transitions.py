"""Transitions: frame by frame against known values and against ffmpeg's own filter."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import media
from tests.render.studio import Frames, Studio, color, decode, image, psnr
from videojob_contract.resources.motion import Easing
from videojob_contract.resources.timeline import Transition
from videojob_contract.resources.transitions import OWN_TRANSITIONS, XFADE_TRANSITIONS
from videojob_worker.canvas import Canvas
from videojob_worker.compose.easing import ease
from videojob_worker.compose.transitions import TRANSITIONS, XFADE, start
from videojob_worker.pixels.mix import choose, mix, mix_by
from videojob_worker.pixels.yuv import Picture, from_rgb, planes, solid

# The steps are exact in binary and in whole pairs of pixels, so that nothing hangs on how a program rounds.
WIDTH, HEIGHT, STEPS = 160, 96, 8
LOOK = Canvas(WIDTH, HEIGHT, "#000000")

# What ffmpeg calls ours where it has the same; slides it has too, but Debian's version does not.
IN_FFMPEG = {
    "crossfade": "fade",
    "wipeLeft": "wipeleft",
    "wipeRight": "wiperight",
    "wipeUp": "wipeup",
    "wipeDown": "wipedown",
    "pushLeft": "slideleft",
    "pushRight": "slideright",
    "pushUp": "slideup",
    "pushDown": "slidedown",
    "circleOpen": "circleopen",
    "circleClose": "circleclose",
    "pixelize": "pixelize",
}
NOT_IN_DEBIANS = {name for name in XFADE if name.startswith("reveal") or name.endswith("wind")}


def frames(transition: Transition, before: Picture, after: Picture, first: int = 0) -> Iterator[Picture]:
    """The pictures of a transition of STEPS frames, from one of them on."""
    render = start(transition, LOOK)
    for number in range(first, STEPS):
        out = np.empty_like(before)
        render(before, after, number / STEPS, out)
        yield out


def ramp(*, upright: bool) -> Picture:
    """A picture in which every pixel of luma says in which column it is, or in which row."""
    picture = solid("#808080", WIDTH, HEIGHT)
    luma, cb, cr = planes(picture)
    luma[...] = 16 + (np.arange(HEIGHT)[:, None] if upright else np.arange(WIDTH))
    cb[...] = cr[...] = 90
    return picture


@pytest.fixture(scope="module")
def photographs() -> tuple[Picture, Picture]:
    pictures = []
    for path in media.photographs(WIDTH, HEIGHT)[:2]:
        with Image.open(path) as opened:
            pictures.append(from_rgb(opened.convert("RGB")))
    return pictures[0], pictures[1]


@pytest.fixture(scope="module")
def by_ffmpeg(photographs: tuple[Picture, Picture], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Frames]:
    """What ffmpeg's command line makes of the photographs, in one run, by its own names."""
    folder = tmp_path_factory.mktemp("xfade")
    names = [*IN_FFMPEG.values(), *(name for name in XFADE if name not in NOT_IN_DEBIANS)]
    inputs = []
    for number, picture in enumerate(photographs):
        raw = folder / f"{number}.yuv"
        raw.write_bytes(picture.tobytes() * (STEPS + 1))
        layout = ("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(STEPS))
        inputs += [*layout, "-i", str(raw)]
    lines = [f"[{number}]split={len(names)}{''.join(f'[{number}{name}]' for name in names)}" for number in (0, 1)]
    lines += [
        f"[0{name}][1{name}]xfade=transition={name}:duration=1:offset=0,trim=end_frame={STEPS},format=yuv420p[{name}]"
        for name in names
    ]
    lines.append(f"{''.join(f'[{name}]' for name in names)}concat=n={len(names)}[all]")
    made = folder / "all.yuv"
    command = ["ffmpeg", "-v", "error", *inputs, "-filter_complex", ";".join(lines), "-map", "[all]"]
    subprocess.run([*command, "-f", "rawvideo", str(made)], check=True)
    whole = np.fromfile(made, np.uint8).reshape(len(names), STEPS, HEIGHT * 3 // 2, WIDTH)
    return dict(zip(names, whole, strict=True))


@pytest.mark.parametrize("name", [name for name in TRANSITIONS if name != "cut"])
def test_every_transition_begins_wholly_before_and_goes_towards_after(
    name: str, photographs: tuple[Picture, Picture]
) -> None:
    before, after = photographs
    render, out = start(Transition(type=name), LOOK), np.empty_like(before)
    render(before, after, 0.0, out)
    assert (out == before).all()
    render(before, after, 0.5, out)
    assert not (out == before).all()
    render(before, after, 0.9999, out)
    assert psnr(out, after) > psnr(out, before) + 5


@pytest.mark.parametrize("name", [name for name in TRANSITIONS if name != "cut"])
def test_a_transition_begun_in_the_middle_goes_on_as_if_from_its_start(
    name: str, photographs: tuple[Picture, Picture]
) -> None:
    whole = list(frames(Transition(type=name), *photographs))
    for late, expected in zip(frames(Transition(type=name), *photographs, first=7), whole[7:], strict=True):
        assert (late == expected).all()


@pytest.mark.parametrize(("ours", "theirs"), IN_FFMPEG.items())
def test_what_ffmpeg_has_too_is_as_there(
    ours: str, theirs: str, photographs: tuple[Picture, Picture], by_ffmpeg: dict[str, Frames]
) -> None:
    # At an edge one row of pixels may be the other picture's, as rounding goes; and squares are cut by many edges.
    most_differing = 0.03 if ours == "pixelize" else 1.1 / HEIGHT
    pairs = zip(frames(Transition(type=ours), *photographs), by_ffmpeg[theirs], strict=True)
    for made, expected in list(pairs)[1:]:
        differing = np.abs(made[:HEIGHT].astype(int) - expected[:HEIGHT]) > 2
        assert differing.mean() < most_differing
        # ffmpeg makes chroma as large as luma and small again.
        assert psnr(made[HEIGHT:], expected[HEIGHT:]) > 38


@pytest.mark.parametrize("name", [name for name in XFADE if name not in NOT_IN_DEBIANS])
def test_names_of_xfade_are_as_in_ffmpeg(
    name: str, photographs: tuple[Picture, Picture], by_ffmpeg: dict[str, Frames]
) -> None:
    pairs = zip(frames(Transition(type=name), *photographs), by_ffmpeg[name], strict=True)
    for made, expected in list(pairs)[1:]:
        assert psnr(made[:HEIGHT], expected[:HEIGHT]) > 45
        assert psnr(made[HEIGHT:], expected[HEIGHT:]) > 40


@pytest.mark.parametrize("easing", Easing)
def test_easing_is_applied_to_every_transition(easing: Easing, photographs: tuple[Picture, Picture]) -> None:
    for name in ("crossfade", "wipeRight", "hblur"):
        render, straight = start(Transition(type=name, easing=easing), LOOK), start(Transition(type=name), LOOK)
        out, expected = np.empty_like(photographs[0]), np.empty_like(photographs[0])
        for step in range(STEPS):
            render(*photographs, step / STEPS, out)
            straight(*photographs, ease(easing, step / STEPS), expected)
            assert (out == expected).all()


def test_easings_begin_slow_or_end_slow_and_never_go_back() -> None:
    steps = np.linspace(0, 1, 101)
    paths = {easing: np.array([ease(easing, float(step)) for step in steps]) for easing in Easing}
    for path in paths.values():
        assert (path[0], path[-1]) == (0, 1)
        assert (np.diff(path) > 0).all()
    speeds = {easing: (path[1] - path[0], path[-1] - path[-2]) for easing, path in paths.items()}
    assert paths[Easing.LINEAR] == pytest.approx(steps)
    assert speeds[Easing.EASE_IN] == pytest.approx((0.0001, 0.0199))
    assert speeds[Easing.EASE_OUT] == pytest.approx((0.0199, 0.0001))
    assert speeds[Easing.EASE_IN_OUT] == pytest.approx((0.0003, 0.0003), abs=1e-5)


def come_in(name: str, columns: int, length: int) -> tuple[list[int], list[int]]:
    """Which place of the old picture, and which of the new, is seen at each place; -1: none."""
    places, rest = range(length), length - columns
    from_start = name.endswith(("Right", "Down"))
    old = [(place >= columns) if from_start else (place < rest) for place in places]
    moved = (-columns if from_start else columns) if name.startswith("push") else 0
    inside = (rest if from_start else -rest) if name.startswith(("push", "slide")) else 0
    return (
        [place + moved if shown else -1 for place, shown in zip(places, old, strict=True)],
        [place + inside if not shown else -1 for place, shown in zip(places, old, strict=True)],
    )


@pytest.mark.parametrize("direction", ["Left", "Right", "Up", "Down"])
@pytest.mark.parametrize("kind", ["wipe", "slide", "push"])
def test_edges_and_pictures_move_as_their_names_say(kind: str, direction: str) -> None:
    name = kind + direction
    upright = direction in {"Up", "Down"}
    before, after = ramp(upright=upright), ramp(upright=upright)
    planes(after)[1][...] = planes(after)[2][...] = 200
    length = HEIGHT if upright else WIDTH
    for number, made in enumerate(frames(Transition(type=name), before, after)):
        luma, cb, cr = planes(made)
        line, chroma = (luma[:, 7], cb[:, 3]) if upright else (luma[7], cb[3])
        old, new = come_in(name, number * length // STEPS, length)
        expected = [16 + max(places) for places in zip(old, new, strict=True)]
        assert line.tolist() == expected
        assert (luma == (line[:, None] if upright else line)).all()
        assert chroma.tolist() == [200 if new[place] >= 0 else 90 for place in range(0, length, 2)]
        assert (cr == cb).all()


def test_edges_stand_on_whole_samples_of_chroma_whatever_the_progress() -> None:
    before, after = solid("#ff0000", WIDTH, HEIGHT), solid("#0000ff", WIDTH, HEIGHT)
    render, out = start(Transition(type="wipeLeft"), LOOK), np.empty_like(before)
    for step in range(100):
        render(before, after, step / 100, out)
        luma, cb, _ = planes(out)
        new = int((luma[0] == planes(after)[0][0, 0]).sum())
        assert new == 2 * int((cb[0] == planes(after)[1][0, 0]).sum())
        assert abs(new - WIDTH * step / 100) <= 1


def test_a_dissolve_changes_as_many_grains_as_has_passed_and_none_back() -> None:
    before, after = solid("#ff0000", WIDTH, HEIGHT), solid("#0000ff", WIDTH, HEIGHT)
    changed = np.zeros((HEIGHT // 2, WIDTH // 2), bool)
    for number, made in enumerate(frames(Transition(type="dissolve"), before, after)):
        luma, cb, cr = (plane == planes(after)[place][0, 0] for place, plane in enumerate(planes(made)))
        assert (luma == cb.repeat(2, axis=0).repeat(2, axis=1)).all()
        assert (cb == cr).all()
        assert (cb >= changed).all()
        changed = cb
        assert cb.mean() == pytest.approx(number / STEPS, abs=0.03)


def test_crossfade_has_the_steps_of_xfade() -> None:
    black, white = np.zeros((HEIGHT * 3 // 2, WIDTH), np.uint8), np.full((HEIGHT * 3 // 2, WIDTH), 255, np.uint8)
    render, out = start(Transition(type="crossfade"), LOOK), np.empty_like(black)
    steps = []
    for frame in range(11):
        render(black, white, frame / 10, out)
        assert out.min() == out.max()
        steps.append(int(out[0, 0]))
    assert steps == pytest.approx([0, 25, 50, 76, 101, 127, 153, 178, 204, 229, 255], abs=1)


@pytest.mark.parametrize(("through", "middle"), [(None, (16, 128, 128)), ("#ff0000", (63, 102, 240))])
def test_fade_goes_through_its_colour(through: str | None, middle: tuple[int, int, int]) -> None:
    before, after = solid("#ffffff", WIDTH, HEIGHT), solid("#00ff00", WIDTH, HEIGHT)
    render, out = start(Transition(type="fade", color=through), LOOK), np.empty_like(before)
    for progress in (0.0, 0.25, 0.5, 0.75, 1.0):
        render(before, after, progress, out)
        for place, plane in enumerate(planes(out)):
            first, last = planes(before)[place][0, 0], planes(after)[place][0, 0]
            expected = np.interp(progress, [0, 0.5, 1], [first, middle[place], last])
            assert plane.min() == plane.max() == pytest.approx(expected, abs=1)


def test_cut_changes_in_the_middle() -> None:
    before, after = np.zeros((24, 16), np.uint8), np.full((24, 16), 9, np.uint8)
    render, out = start(Transition(type="cut"), Canvas(16, 16, "#000000")), np.empty_like(before)
    render(before, after, 0.49, out)
    assert out.max() == 0
    render(before, after, 0.5, out)
    assert out.min() == 9


def noise(seed: int) -> Picture:
    # Larger than the block in which mixes work, and no multiple of it.
    return np.random.default_rng(seed).integers(0, 256, (1110, 500), np.uint8)


def test_mix_is_within_one_step_of_the_exact_mean() -> None:
    before, after = noise(1), noise(2)
    out = np.empty_like(before)
    for weight in (0.0, 0.1, 1 / 3, 0.5, 0.999, 1.0):
        mix(before, after, weight, out)
        exact = before * (1 - weight) + after * weight
        assert np.abs(out - exact).max() <= 1
    mix(before, after, 0.0, out)
    assert (out == before).all()
    mix(before, after, 1.0, out)
    assert (out == after).all()


def test_mix_by_weights_is_within_one_step_of_the_exact_mean() -> None:
    before, after, weights = noise(1), noise(2), noise(3)
    out = np.empty_like(before)
    mix_by(before, after, weights, out)
    exact = (before * (255.0 - weights) + after * 1.0 * weights) / 255
    assert np.abs(out - exact).max() < 1
    assert (out[weights == 0] == before[weights == 0]).all()
    assert (out[weights == 255] == after[weights == 255]).all()


def test_choose_takes_the_second_below_the_limit() -> None:
    before, after = noise(1), noise(2)
    ranks = np.random.default_rng(3).integers(0, 1 << 16, before.shape, np.uint16)
    out = np.empty_like(before)
    for limit in (0, 1, 30000, 65535, 65536):
        choose(before, after, ranks, limit, out)
        assert (out == np.where(ranks < limit, after, before)).all()


def test_a_transition_renders_as_ffmpeg_shows_it(studio: Studio, tmp_path: Path) -> None:
    first, second = media.photographs(320, 180)[:2]
    for ours, theirs in (("crossfade", "fade"), ("wipetl", "wipetl")):
        made = decode(
            studio.movie(
                [image(first), image(second, transition={"type": ours, "duration": "400ms"})],
                files=[first, second],
                size=(320, 180),
                outputs=[{"name": "main", "format": "mp4", "crf": 1}],
            )
        )
        reference = tmp_path / f"{theirs}.mkv"
        graph = (
            f"[0][1]xfade=transition={theirs}:duration=0.4:offset=0.6,"
            "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd,format=yuv420p"
        )
        inputs = [
            word for path in (first, second) for word in ("-loop", "1", "-framerate", "25", "-t", "1", "-i", str(path))
        ]
        subprocess.run(
            ["ffmpeg", "-v", "error", *inputs, "-filter_complex", graph, "-c:v", "ffv1", str(reference)], check=True
        )
        expected = decode(reference)
        assert made.shape == expected.shape == (40, 270, 320)
        luma = [psnr(a[:180], b[:180]) for a, b in zip(made, expected, strict=True)]
        assert min(luma) > 40, luma
        assert min(psnr(a[180:], b[180:]) for a, b in zip(made, expected, strict=True)) > 35


def test_an_eased_transition_has_its_steps_in_the_video(studio: Studio) -> None:
    made = decode(
        studio.movie(
            [
                color("#000000"),
                color("#ffffff", transition={"type": "crossfade", "duration": "400ms", "easing": "easeIn"}),
            ],
            outputs=[{"name": "main", "format": "mp4", "crf": 1}],
        )
    )
    steps = made[15:26, :90].mean(axis=(1, 2))
    assert steps == pytest.approx([16 + 219 * (step / 10) ** 2 for step in range(11)], abs=1.5)


def test_the_contract_names_every_transition_and_no_other() -> None:
    assert set(TRANSITIONS) == set(OWN_TRANSITIONS) | set(XFADE_TRANSITIONS)
    assert set(XFADE) == set(XFADE_TRANSITIONS)
