"""How frames of videos look: colours of every matrix, range and depth, tone, transparency, turns, shapes, fields."""

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from PIL import Image

from tests import media
from tests.ffmpeg import ffmpeg
from tests.render import films
from tests.render.studio import Frames, Studio, color, decode, psnr, uri
from videojob_contract.resources.timeline import Anchor, Fit
from videojob_worker.compose.layers.video import VideoSprite
from videojob_worker.pixels import tonemap
from videojob_worker.pixels.fit import fit_image
from videojob_worker.pixels.yuv import from_rgb, planes, rgb_to_yuv, to_rgb

FPS = Fraction(25)
COLORS = [(255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 40, 40), (30, 160, 60), (50, 60, 220), (240, 200, 30)]
KR_KB = {
    "bt709": (0.2126, 0.0722),
    "smpte170m": (0.299, 0.114),
    "bt2020nc": (0.2627, 0.0593),
    "smpte240m": (0.212, 0.087),
    "chroma-derived-nc": (0.2126, 0.0722),  # of the primaries of BT.709
}


def encoded(rgb: tuple[float, ...], matrix: str, *, full: bool, bits: int) -> tuple[int, int, int]:
    """Y'CbCr of a colour from 0 to 1, by the formulas of ITU-T H.273, 8.3."""
    kr, kb = KR_KB[matrix]
    red, green, blue = rgb
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    scale, black, span, middle = 1 << (bits - 8), 16, 219, 224
    if full:
        top = (1 << bits) - 1
        return round(luma * top), *(round(value * top + (1 << (bits - 1))) for value in (cb, cr))
    return round((luma * span + black) * scale), *(round((value * middle + 128) * scale) for value in (cb, cr))


def solids(path: Path, pixels: str, values: list[tuple[int, int, int]], **tags: str) -> Path:
    """A lossless video with a frame of each of some Y'CbCr colours; `tags` are options of ffmpeg."""
    deep = "p10" in pixels or "p12" in pixels
    by = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}[pixels[3:6]]
    kind = "<u2" if deep else "u1"
    raw = b"".join(
        np.full((128 // across) * (72 // down), value, kind).tobytes()
        for frame in values
        for value, across, down in zip(frame, (1, by[0], by[0]), (1, by[1], by[1]), strict=True)
    )
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-f",
        "rawvideo",
        "-pix_fmt",
        pixels,
        "-s",
        "128x72",
        "-r",
        "25",
        "-i",
        "-",
    ]
    command += ["-c:v", "ffv1", *(word for name, value in tags.items() for word in (f"-{name}", value)), str(path)]
    subprocess.run(command, input=raw, check=True)
    return path


@pytest.mark.parametrize("matrix", KR_KB)
@pytest.mark.parametrize("span", ["limited", "full"])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p10le", "yuv444p12le"])
def test_colours_are_what_the_source_says(tmp_path: Path, matrix: str, span: str, pixels: str) -> None:
    full = span == "full"
    bits = {"p": 8, "p10le": 10, "p12le": 12}[pixels[6:]]
    values = [encoded(tuple(part / 255 for part in rgb), matrix, full=full, bits=bits) for rgb in COLORS]
    tags = {
        "colorspace": matrix,
        "color_range": "pc" if full else "tv",
        "color_primaries": "bt709",
        "color_trc": "bt709",
    }
    path = solids(tmp_path / "film.mkv", pixels, values, **tags)
    same, scaled = (films.pictures(path, len(COLORS), canvas=canvas) for canvas in ((128, 72), (192, 108)))
    for picture, rgb in zip((*same, *scaled), COLORS * 2, strict=True):
        found = [int(np.median(plane)) for plane in planes(picture)]
        assert np.abs(np.subtract(found, rgb_to_yuv(rgb))).max() <= 2, (rgb, found, rgb_to_yuv(rgb))
        assert all(np.ptp(plane.astype(int)) <= (1 if bits == 8 else 3) for plane in planes(picture))  # dithered


@pytest.mark.parametrize(("size", "matrix"), [("128x72", "smpte170m"), ("1280x720", "bt709")])
def test_colours_without_a_word_are_taken_as_players_take_them(tmp_path: Path, size: str, matrix: str) -> None:
    path = solids(
        tmp_path / "small.mkv", "yuv420p", [encoded((200 / 255, 40 / 255, 40 / 255), matrix, full=False, bits=8)]
    )
    ffmpeg("-i", path, "-vf", f"scale={size}", "-c:v", "ffv1", tmp_path / "film.mkv")
    found = [int(np.median(plane)) for plane in planes(films.pictures(tmp_path / "film.mkv")[0])]
    assert found == pytest.approx(rgb_to_yuv((200, 40, 40)), abs=2)


def test_pictures_that_fit_are_passed_on_bit_for_bit() -> None:
    with av.open(str(media.clip("bigbuckbunny.mp4"))) as container:
        expected = [frame.to_ndarray() for _, frame in zip(range(10), container.decode(video=0), strict=False)]
    found = films.pictures(media.clip("bigbuckbunny.mp4"), 10, canvas=(1280, 720))
    assert np.array_equal(found, np.stack(expected))


def test_scaling_is_as_good_as_ffmpegs(tmp_path: Path) -> None:
    path = media.clip("bikes.mp4")
    wanted = "scale=320:136:flags=bicubic:in_color_matrix=bt601:out_color_matrix=bt709,format=yuv420p"
    ffmpeg("-i", path, "-frames:v", "20", "-vf", wanted, "-c:v", "ffv1", tmp_path / "expected.mkv")
    expected = decode(tmp_path / "expected.mkv")
    assert psnr(films.pictures(path, 20, canvas=(320, 136)), expected) > 40


def graded(path: Path, signals: list[float], transfer: str, channel: int | None = None) -> Path:
    """A BT.2020 video of 10 bits with a frame of each grey (or pure primary) signal."""
    colors = [tuple(value if channel in {None, place} else 0.0 for place in range(3)) for value in signals]
    values = [encoded(color, "bt2020nc", full=False, bits=10) for color in colors]
    tags = {"colorspace": "bt2020nc", "color_range": "tv", "color_primaries": "bt2020", "color_trc": transfer}
    return solids(path, "yuv420p10le", values, **tags)


@pytest.mark.parametrize(("transfer", "number"), [("smpte2084", tonemap.PQ), ("arib-std-b67", tonemap.HLG)])
def test_high_dynamic_range_is_mapped_as_calculated(tmp_path: Path, transfer: str, number: int) -> None:
    signals = [0.0, 0.1, 0.25, 0.4, 0.5, 0.58, 0.65, 0.75, 0.9, 1.0]
    found = films.pictures(graded(tmp_path / "film.mkv", signals, transfer), len(signals), canvas=(192, 108))
    grey = np.repeat(np.array(signals)[:, None], 3, axis=1)
    expected = 16 + 219 * tonemap.to_sdr(grey, number, tonemap.BT2020)[:, 0]
    lumas = [float(np.median(planes(picture)[0])) for picture in found]
    assert lumas == pytest.approx(expected.tolist(), abs=1.5)
    assert all(abs(int(np.median(plane)) - 128) <= 1 for picture in found for plane in planes(picture)[1:])


def test_the_tone_curve_keeps_what_it_should() -> None:
    # SMPTE ST 2084: 100 and 1000 cd/m²; ITU-R BT.2408: reference white.
    assert tonemap.nits_to_pq(np.array([100.0, 203.0, 1000.0])) == pytest.approx([0.5081, 0.5807, 0.7518], abs=1e-4)
    assert tonemap.pq_to_nits(tonemap.nits_to_pq(np.array([0.01, 1, 500, 9999]))) == pytest.approx([0.01, 1, 500, 9999])
    # ITU-R BT.2408-7, table 1: HLG 75 % is reference white; its peak is that of the display.
    assert tonemap.hlg_to_nits(np.array([[0.75] * 3, [1.0] * 3]))[:, 0] == pytest.approx([203, 1000], rel=0.01)
    light = np.linspace(0, 1000, 2001)
    rolled = tonemap.roll_off(light)
    assert (np.diff(rolled) > 0).all()
    assert rolled[:40] == pytest.approx(light[:40], rel=1e-6)
    assert rolled[-1] == pytest.approx(203)


def test_wide_colours_are_brought_to_the_canvas(tmp_path: Path) -> None:
    found = films.pictures(graded(tmp_path / "film.mkv", [0.6], "bt2020-10", channel=1), canvas=(128, 72))
    # BT.2020's green is outside BT.709: red and blue of it are negative there, and end at 0.
    pixel = np.asarray(to_rgb(found[0]))[36, 64].astype(int)
    assert pixel[0] <= 3
    assert pixel[2] <= 3
    # BT.2087-0, table: 1.1329 of the light of green.
    assert pixel[1] == pytest.approx(255 * (0.6**2.4 * 1.1329) ** (1 / 2.4), abs=3)


ALPHAS = {
    "vp9.webm": ["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-crf", "8", "-b:v", "0", "-auto-alt-ref", "0"],
    "prores.mov": ["-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le"],
    "png.mov": ["-c:v", "png", "-pix_fmt", "rgba"],
    "ffv1.mkv": ["-c:v", "ffv1", "-pix_fmt", "bgra"],
}


@pytest.mark.parametrize("name", ALPHAS)
def test_transparency_shows_the_background(tmp_path: Path, name: str) -> None:
    still = Image.new("RGBA", (64, 32), (255, 0, 0, 0))
    still.paste((255, 255, 255, 255), (16, 0, 32, 32))
    still.paste((255, 255, 255, 128), (32, 0, 48, 32))
    still.save(tmp_path / "still.png")
    path = tmp_path / name
    ffmpeg("-loop", "1", "-r", "25", "-i", tmp_path / "still.png", "-frames:v", "3", *ALPHAS[name], path)
    assert films.probe(path).has_alpha
    pixels = np.asarray(to_rgb(films.pictures(path, background="#0000ff", canvas=(64, 32))[0])).astype(int)[16]
    for column, expected in ((8, (0, 0, 255)), (24, (255, 255, 255)), (40, (128, 128, 255)), (56, (0, 0, 255))):
        assert np.abs(pixels[column] - expected).max() <= 8, (column, pixels[column])


def test_the_colour_of_the_invisible_does_not_seep_out(tmp_path: Path) -> None:
    still = Image.new("RGBA", (64, 32), (0, 255, 0, 0))
    still.paste((200, 200, 200, 255), (0, 0, 31, 32))
    still.save(tmp_path / "still.png")
    ffmpeg("-i", tmp_path / "still.png", "-c:v", "ffv1", "-pix_fmt", "bgra", tmp_path / "film.mkv")
    scaled = np.asarray(to_rgb(films.pictures(tmp_path / "film.mkv", background="#c8c8c8", canvas=(42, 20))[0]))
    assert np.abs(scaled.astype(int) - 200).max() <= 3


def test_an_overlay_keeps_its_transparency(tmp_path: Path) -> None:
    still = Image.new("RGBA", (64, 32), (255, 0, 0, 0))
    still.paste((10, 200, 30, 128), (0, 0, 32, 32))
    still.save(tmp_path / "still.png")
    path = tmp_path / "film.mkv"
    ffmpeg("-loop", "1", "-i", tmp_path / "still.png", "-frames:v", "5", "-c:v", "ffv1", "-pix_fmt", "bgra", path)
    video = films.spec()
    sprite = VideoSprite(films.source(path), films.probe(path), video, size=(33, 17), frames=3, fps=FPS)
    shown = [np.copy(rgba) for rgba in sprite.pictures(0, 3)]
    assert [rgba.shape for rgba in shown] == [(17, 33, 4)] * 3
    assert shown[0][8, 4].tolist() == pytest.approx([10, 200, 30, 128], abs=3)
    assert shown[0][8, 30, 3] == 0


# Rows of the display matrix, 16.16 fixed point, and the same by Pillow.
TURNS = {
    "upright": ((1, 0, 0, 1), None),
    "right": ((0, 1, -1, 0), Image.Transpose.ROTATE_270),
    "half": ((-1, 0, 0, -1), Image.Transpose.ROTATE_180),
    "left": ((0, -1, 1, 0), Image.Transpose.ROTATE_90),
    "mirrored": ((-1, 0, 0, 1), Image.Transpose.FLIP_LEFT_RIGHT),
    "upside-down": ((1, 0, 0, -1), Image.Transpose.FLIP_TOP_BOTTOM),
    "transposed": ((0, 1, 1, 0), Image.Transpose.TRANSPOSE),
    "transversed": ((0, -1, -1, 0), Image.Transpose.TRANSVERSE),
}


def still_film(path: Path, picture: Image.Image, matrix: tuple[int, ...] | None = None) -> Path:
    """A video of one picture, nearly lossless, tagged BT.709."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "1"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = picture.size
        stream.pix_fmt = "yuv420p"
        stream.colorspace, stream.color_range = 1, 1
        if matrix is not None:
            a, b, c, d = (value << 16 for value in matrix)
            stream.set_display_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30))
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(from_rgb(picture), format="yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    with Image.open(media.photographs(640, 360)[0]) as picture:
        return picture.convert("RGB").resize((160, 90))


@pytest.mark.parametrize("turn", TURNS)
def test_every_turn_is_made_upright(tmp_path: Path, photograph: Image.Image, turn: str) -> None:
    matrix, transpose = TURNS[turn]
    upright = photograph if transpose is None else photograph.transpose(transpose)
    path = still_film(tmp_path / "film.mp4", photograph, matrix)
    probed = films.probe(path)
    assert (probed.width, probed.height) == upright.size
    assert psnr(films.pictures(path, canvas=upright.size)[0], from_rgb(upright)) > 35


@pytest.mark.parametrize("anchor", [Anchor.CENTER, Anchor.TOP_LEFT, Anchor.BOTTOM_RIGHT])
@pytest.mark.parametrize("fit", list(Fit))
@pytest.mark.parametrize("canvas", [(160, 160), (90, 160), (320, 100), (242, 134)], ids=str)
def test_videos_fill_the_canvas_like_pictures_do(
    tmp_path: Path, photograph: Image.Image, fit: Fit, anchor: Anchor, canvas: tuple[int, int]
) -> None:
    path = still_film(tmp_path / "film.mp4", photograph)
    found = films.pictures(path, canvas=canvas, fit=fit, anchor=anchor, background="#204060")[0]
    expected = from_rgb(fit_image(photograph, canvas, fit, anchor, (0x20, 0x40, 0x60)))
    # Videos keep to even pixels of the canvas.
    assert max(psnr(moved(found, down, right), expected) for down in (-1, 0, 1) for right in (-1, 0, 1)) > 28


def moved(picture: Frames, down: int, right: int) -> Frames:
    """A picture with its luma moved by a pixel."""
    made = picture.copy()
    planes(made)[0][...] = np.roll(planes(picture)[0], (down, right), (0, 1))
    return made


def test_pixels_that_are_not_square_are_stretched(tmp_path: Path, photograph: Image.Image) -> None:
    still_film(tmp_path / "square.mp4", photograph.resize((120, 90)))
    ffmpeg("-i", tmp_path / "square.mp4", "-c", "copy", "-aspect", "16:9", tmp_path / "film.mp4")
    probed = films.probe(tmp_path / "film.mp4")
    assert (probed.width, probed.height) == (160, 90)
    found = films.pictures(tmp_path / "film.mp4", canvas=(160, 90), fit=Fit.CONTAIN)[0]
    assert psnr(found, from_rgb(photograph)) > 28


@pytest.mark.parametrize("size", [(161, 91), (33, 17), (2, 2)], ids=str)
def test_odd_sizes_are_shown_whole(tmp_path: Path, photograph: Image.Image, size: tuple[int, int]) -> None:
    photograph.resize(size).save(tmp_path / "still.png")
    options = ["-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709", "-c:v", "ffv1", "-pix_fmt", "yuv420p"]
    ffmpeg("-i", tmp_path / "still.png", *options, tmp_path / "film.mkv")
    found = films.pictures(tmp_path / "film.mkv", canvas=(160, 90))[0]
    expected = photograph.resize(size).resize((160, 90), Image.Resampling.BICUBIC)
    assert psnr(found, from_rgb(expected)) > 24


def combs(picture: Frames) -> float:
    """How much neighbouring lines differ, against lines two apart: large where two fields show two moments."""
    luma = planes(picture)[0].astype(int)
    return float(np.abs(luma[1:-1] * 2 - luma[:-2] - luma[2:]).mean())


def test_fields_are_made_whole(tmp_path: Path) -> None:
    moving = "testsrc2=s=160x90:r=50:d=1,crop=128:72:16+8*sin(n):8"
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        moving,
        "-vf",
        "tinterlace=interleave_top,fieldorder=tff",
        "-flags",
        "+ildct+ilme",
        "-c:v",
        "mpeg2video",
        "-q:v",
        "2",
        tmp_path / "film.mkv",
    )
    with av.open(str(tmp_path / "film.mkv")) as container:
        fields = [frame.to_ndarray() for frame in container.decode(video=0)]
    shown = films.pictures(tmp_path / "film.mkv", len(fields))
    assert len(fields) == 25
    assert np.mean([combs(each) for each in shown]) < 0.6 * np.mean([combs(each) for each in fields])
    # In order and none lost, also in reverse and from the middle.
    back = films.pictures(tmp_path / "film.mkv", len(fields), reverse=True)
    assert all(psnr(one, other) > 25 for one, other in zip(shown[1:-1], back[::-1][1:-1], strict=True))


def test_a_frame_that_changes_its_size_still_fills_the_canvas(tmp_path: Path) -> None:
    for name, size in (("large", "160x90"), ("small", "80x46")):
        source = f"color=red:s={size}:r=25:d=0.4"
        ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libvpx", "-f", "ivf", tmp_path / f"{name}.ivf")
    large, small = ((tmp_path / f"{name}.ivf").read_bytes() for name in ("large", "small"))
    (tmp_path / "both.ivf").write_bytes(large + restamped(small[32:], 10))
    ffmpeg("-i", tmp_path / "both.ivf", "-c", "copy", tmp_path / "film.webm")
    shown = films.pictures(tmp_path / "film.webm", 20)
    assert all(np.ptp(planes(picture)[0].astype(int)) <= 2 for picture in shown)


def restamped(frames: bytes, first: int) -> bytes:
    """The frames of an IVF file, from another time stamp on."""
    made, at = b"", 0
    while at < len(frames):
        size = int.from_bytes(frames[at : at + 4], "little")
        made += frames[at : at + 4] + first.to_bytes(8, "little") + frames[at + 12 : at + 12 + size]
        at, first = at + 12 + size, first + 1
    return made


def test_animations_play_at_their_own_pace_and_start_over(studio: Studio, tmp_path: Path) -> None:
    frames = [Image.new("RGB", films.SIZE, (level, level, level)) for level in (0, 80, 160, 240)]
    for name, options in {"film.gif": {}, "film.webp": {"lossless": True}, "film.png": {}, "film.avif": {}}.items():
        path = tmp_path / name
        times = [40, 120, 80, 200]
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=times, loop=1, **options)
        movie = decode(
            studio.movie([{"image": {"uri": uri(path)}, "duration": "1200ms"}], files=[path], size=films.SIZE)
        )
        once = [level for level, time in zip((0, 80, 160, 240), times, strict=True) for _ in range(time // 40)]
        levels = [round((float(np.median(planes(picture)[0])) - 16) / 219 * 255 / 80) * 80 for picture in movie]
        assert levels == (once * 3)[:30], name


@pytest.mark.parametrize("name", ["film.gif", "film.webp", "film.png"])
def test_animations_are_composed_and_transparent(tmp_path: Path, studio: Studio, name: str) -> None:
    """Each frame is a part that is laid over the last or takes its place; what is left free shows the background."""
    frames = []
    for place in range(3):
        frame = Image.new("RGBA", (64, 32), (0, 0, 0, 0))
        frame.paste((255, 255, 255, 255), (place * 16, 0, place * 16 + 16, 32))
        frames.append(frame)
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=100, disposal=2, loop=0)
    clip: dict[str, Any] = {"image": {"uri": uri(tmp_path / name)}, "duration": "300ms"}
    movie = decode(studio.movie([clip], files=[tmp_path / name], size=(64, 32), fps="10", background="#000000"))
    for place, picture in enumerate(movie):
        expected = [235 if column == place else 16 for column in range(4)]
        assert planes(picture)[0][16, 8::16].tolist() == pytest.approx(expected, abs=6)


def test_an_animation_lies_over_clips_too(studio: Studio, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 20), (level, level, level)) for level in (60, 120, 240)]
    path = tmp_path / "mark.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=80, loop=0)
    mark = {"image": {"uri": uri(path)}, "from": "200ms", "anchor": "topLeft", "margin": 0}
    movie = decode(studio.movie([color("#000000", "1s")], files=[path], size=films.SIZE, overlays=[mark]))
    levels = [round((int(planes(picture)[0][10, 20]) - 16) / 219 * 255 / 60) * 60 for picture in movie]
    assert levels == [0] * 5 + [level for _ in range(4) for level in (60, 60, 120, 120, 240, 240)][:20]


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("full", [False, True])
def test_grey_is_read_in_the_range_that_it_says(tmp_path: Path, depth: int, full: bool) -> None:  # noqa: FBT001
    path = tmp_path / "grey.mp4"
    with av.open(str(path), "w") as container:
        pixels = "gray" if depth == 8 else "gray10le"
        stream = container.add_stream(
            "libx265", rate=25, options={"x265-params": "lossless=1:bframes=0:log-level=none"}
        )
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
        stream.codec_context.color_range = 2 if full else 1
        dark, light = (0, 255) if full else (16, 235)
        array = np.full((64, 64), dark, np.uint8 if depth == 8 else np.uint16)
        array[:, 32:] = light
        frame = av.VideoFrame.from_ndarray(array << (depth - 8), format=pixels)
        frame.pts = 0
        container.mux([*stream.encode(frame), *stream.encode()])
    clips = [{"video": {"uri": uri(path)}, "duration": "40ms"}]
    movie = Studio(tmp_path / "scratch").movie(clips, files=[path], size=(64, 64))
    assert [decode(movie)[0][32, x] for x in (8, 56)] == pytest.approx([16, 235], abs=2)
