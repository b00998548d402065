"""Pictures as the world writes them: every kind of each format against Pillow, ffmpeg or what was put in."""

import struct
import subprocess
import zlib
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import media
from videojob_contract.errors import PermanentError
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.image import inspect_picture, load_image

SIZE = (61, 43)


def photograph() -> Image.Image:
    with Image.open(media.photograph("coffee.png")) as opened:
        return Image.fromarray(np.asarray(opened.convert("RGB").resize(SIZE)))


def transparent() -> Image.Image:
    picture = photograph()
    picture.putalpha(Image.linear_gradient("L").resize(SIZE))
    return picture


def source(tmp_path: Path, content: bytes) -> Source:
    path = tmp_path / "picture"
    path.write_bytes(content)
    return Source("spec.clips[0].image.uri", "volume://media/x", path)


def load(tmp_path: Path, content: bytes) -> Image.Image:
    found = source(tmp_path, content)
    inspect_picture(found)
    image = load_image(found, (5000, 5000))
    assert not found.warnings.said
    return image


def written(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("compression", ["raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "LA"])
def test_a_tiff_is_what_was_put_in(tmp_path: Path, mode: str, compression: str) -> None:
    picture = (transparent() if mode in {"RGBA", "LA"} else photograph()).convert(mode)
    loaded = load(tmp_path, written(picture, "TIFF", compression=compression))
    expected = picture.convert("RGBA" if mode in {"RGBA", "LA"} else "RGB")
    assert np.abs(np.asarray(loaded, int) - np.asarray(expected, int)).max() <= 1


def test_a_grey_tiff_that_is_multiplied_by_its_opacity_is_what_was_put_in(tmp_path: Path) -> None:
    picture = Image.new("LA", SIZE, (50, 128))
    is_apart, is_multiplied = (struct.pack("<HHIH", 338, 3, 1, kind) for kind in (2, 1))  # ExtraSamples
    content = written(picture, "TIFF")
    assert is_apart in content
    loaded = load(tmp_path, content.replace(is_apart, is_multiplied))
    assert loaded.getpixel((5, 5)) == pytest.approx((100, 100, 100, 128), abs=1)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_tiff_with_places_of_64_bits_is_what_was_put_in(tmp_path: Path, mode: str) -> None:
    picture = (transparent() if mode == "RGBA" else photograph()).convert(mode)
    content = written(picture, "TIFF", big_tiff=True)
    assert content[2] == 43
    expected = picture if mode == "RGBA" else picture.convert("RGB")
    assert np.array_equal(np.asarray(load(tmp_path, content)), np.asarray(expected))


@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_a_fax_is_black_on_white(tmp_path: Path, compression: str) -> None:
    picture = photograph().convert("1")
    loaded = load(tmp_path, written(picture, "TIFF", compression=compression))
    assert np.array_equal(np.asarray(loaded), np.asarray(picture.convert("RGB")))


def test_a_tiff_of_jpeg_is_close(tmp_path: Path) -> None:
    loaded = load(tmp_path, written(photograph(), "TIFF", compression="jpeg", quality=95))
    assert np.abs(np.asarray(loaded, int) - np.asarray(photograph(), int)).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_by_its_own_tag(tmp_path: Path, orientation: int) -> None:
    picture = photograph()
    content = written(picture, "TIFF", tiffinfo={274: orientation})
    with Image.open(BytesIO(content)) as opened:
        opened.load()
        expected = np.asarray(opened.convert("RGB"))
    loaded = load(tmp_path, content)
    assert np.array_equal(np.asarray(loaded), expected)
    assert loaded.size == (SIZE[::-1] if orientation > 4 else SIZE)


def test_of_several_pages_the_first_is_shown_and_that_is_said(tmp_path: Path) -> None:
    second = Image.new("RGB", SIZE, "red")
    found = source(tmp_path, written(photograph(), "TIFF", save_all=True, append_images=[second]))
    inspect_picture(found)
    assert np.array_equal(np.asarray(load_image(found, SIZE)), np.asarray(photograph()))
    assert "has several pages, and its first is shown" in found.warnings.said[0]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_a_bmp_is_what_was_put_in(tmp_path: Path, mode: str) -> None:
    picture = photograph().convert(mode)
    loaded = load(tmp_path, written(picture, "BMP")).convert("RGB")
    assert np.array_equal(np.asarray(loaded), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize(
    ("pixels", "suffix"), [("rgb565le", "bmp"), ("pal8", "bmp"), ("rgb48le", "tiff"), ("gray16le", "tiff")]
)
def test_a_file_of_ffmpeg_is_what_ffmpeg_shows(tmp_path: Path, pixels: str, suffix: str) -> None:
    photograph().save(tmp_path / "in.png")
    made, back = tmp_path / f"made.{suffix}", tmp_path / "back.png"
    for arguments in ([tmp_path / "in.png", "-pix_fmt", pixels, made], [made, "-pix_fmt", "rgb24", back]):
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", *map(str, arguments)], check=True)
    loaded = load(tmp_path, made.read_bytes()).convert("RGB")
    with Image.open(back) as shown:
        # Five and six bits are brought to eight by rounding or by repeating them.
        assert np.abs(np.asarray(loaded, int) - np.asarray(shown, int)).max() <= (8 if pixels == "rgb565le" else 1)


def test_a_jpeg_with_further_pictures_behind_it_is_the_first(tmp_path: Path) -> None:
    second = Image.new("RGB", SIZE, "red")
    content = written(photograph(), "MPO", save_all=True, append_images=[second], quality=95)
    with Image.open(BytesIO(content)) as opened:
        expected = np.asarray(opened.convert("RGB"))
    assert np.array_equal(np.asarray(load(tmp_path, content)), expected)


@pytest.mark.parametrize("transform", [0, 2])
def test_adobes_cmyk_is_upside_down(tmp_path: Path, transform: int) -> None:
    content = written(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in content
    changed = bytearray(content)
    changed[content.index(b"Adobe") + 11] = transform
    with Image.open(BytesIO(bytes(changed))) as opened:
        expected = opened.convert("RGB").getpixel((5, 5))
    assert load(tmp_path, bytes(changed)).getpixel((5, 5)) == expected


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values: np.ndarray, *, bits: int, colour: int, interlaced: bool = False, more: bytes = b"") -> bytes:
    """A PNG of `(h, w, channels)` samples; PNG, third edition, 8.2."""
    height, width = values.shape[:2]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for left, top, across, down in passes if interlaced else [(0, 0, 1, 1)]:
        for row in values[top::down, left::across]:
            if row.size:
                rows += b"\0" + row.astype(">u2" if bits == 16 else "u1").tobytes()
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("colour", "mode"), [(0, "L"), (2, "RGB"), (4, "LA"), (6, "RGBA")])
def test_an_interlaced_png_is_as_one_that_is_not(tmp_path: Path, bits: int, colour: int, mode: str) -> None:
    values = np.asarray(transparent().convert(mode)).reshape(SIZE[1], SIZE[0], -1).astype(int)
    deep = values * 257 if bits == 16 else values
    plain, woven = (load(tmp_path, png(deep, bits=bits, colour=colour, interlaced=woven)) for woven in (False, True))
    assert np.array_equal(np.asarray(plain), np.asarray(woven))
    expected = transparent().convert(mode).convert("RGBA" if "A" in mode else "RGB")
    assert np.abs(np.asarray(plain, int) - np.asarray(expected, int)).max() <= 1


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("colour", "key"), [(0, (77,)), (2, (10, 20, 30))])
def test_one_colour_of_a_png_is_transparent(tmp_path: Path, bits: int, colour: int, key: tuple[int, ...]) -> None:
    factor = 257 if bits == 16 else 1
    values = np.full((4, 4, len(key)), 200) * factor
    values[1, 2] = np.array(key) * factor
    more = chunk(b"tRNS", struct.pack(f">{len(key)}H", *(part * factor for part in key)))
    loaded = load(tmp_path, png(values, bits=bits, colour=colour, more=more))
    opacity = np.asarray(loaded.getchannel("A"))
    assert opacity[1, 2] == 0
    assert (opacity == 0).sum() == 1


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_of_one_frame_is_a_still(tmp_path: Path, kind: str) -> None:
    content = written(photograph(), kind, save_all=True, duration=100)
    assert inspect_picture(source(tmp_path, content)).frame_times_s == ()


def test_frames_of_a_gif_that_last_no_time_last_a_tenth_of_a_second(tmp_path: Path) -> None:
    frames = [Image.new("RGB", SIZE, color) for color in ("red", "lime", "blue")]
    content = written(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=0)
    assert inspect_picture(source(tmp_path, content)).frame_times_s == (Fraction(1, 10),) * 3


DNG = {50706: b"\1\4\0\0"}
THUMBNAIL = {254: 1, 330: 8}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"8BPS\0\1", "is a PSD file, not a .*; export it as PNG or TIFF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG file, not a .*; export it as PNG"),
        (b"II*\0\x10\0\0\0CR\2\0", "is a camera raw file, not a .*; develop it"),
        (b"FUJIFILMCCD-RAW 0201", "is a camera raw file, not a .*; develop it"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "is a camera raw file, not a .*; develop it"),
        (written(Image.new("RGB", (8, 8)), "TIFF", tiffinfo=DNG), "is a camera raw file, not a .*; develop it"),
        (written(Image.new("RGB", (8, 8)), "TIFF", tiffinfo=THUMBNAIL), "is a camera raw file, not a .*; develop it"),
        (written(Image.new("I", (8, 8)), "TIFF"), "is a TIFF of numbers with a sign, .*; save it with 8 or 16 bits"),
    ],
)
def test_what_is_not_read_is_refused_with_what_to_do(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(PermanentError, match=rf"^spec\.clips\[0\]\.image\.uri: volume://media/x {says}"):
        load(tmp_path, content)
