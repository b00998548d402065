"""Opening photographs: every kind that is promised, and every refusal with its message."""

import struct
import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests import media
from videojob_contract.errors import PermanentError, Reason
from videojob_worker.media.files import sniff
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures import animation
from videojob_worker.media.pictures.animation import Animation
from videojob_worker.media.pictures.image import OpenPicture, load_image, open_picture
from videojob_worker.media.probe import probe_picture


def source(path: Path) -> Source:
    return Source("spec.clips[2].image.uri", "volume://media/x.jpg", path)


def load(path: Path, at_least: tuple[int, int] = (10_000, 10_000)) -> Image.Image:
    probe_picture(source(path))
    return load_image(source(path), at_least)


@pytest.fixture
def marked() -> Image.Image:
    """A picture with a red corner at its top left, green at its top right, blue at its bottom left, on white."""
    picture = Image.new("RGB", (64, 32), "white")
    picture.paste("red", (0, 0, 16, 16))
    picture.paste("lime", (48, 0, 64, 16))
    picture.paste("blue", (0, 16, 16, 32))
    return picture


@pytest.mark.parametrize("orientation", range(10))
def test_every_orientation_is_turned_upright(marked: Image.Image, tmp_path: Path, orientation: int) -> None:
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = marked.transpose(turned[orientation]) if orientation in turned else marked
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(np.asarray(load(tmp_path / "turned.png")), np.asarray(marked))


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_decoded_small_but_never_too_small(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (4000, 2000), "teal").save(tmp_path / "large.jpg", exif=exif)
    width, height = load(tmp_path / "large.jpg", (400, 200)).size
    assert sorted((width, height)) == [500, 1000] if orientation == 1 else sorted((width, height)) == [1000, 2000]
    assert (width > height) == (orientation == 1)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_kept(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGBA", (20, 10), (255, 255, 255, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 10, 10))
    picture.convert(mode).save(tmp_path / "clear.png")
    loaded = load(tmp_path / "clear.png")
    assert loaded.mode == "RGBA"
    assert np.asarray(loaded)[0, :, 3].tolist() == [0] * 10 + [255] * 10


def test_a_transparent_palette_is_kept(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((0, 0), 0)
    picture.save(tmp_path / "palette.png", transparency=0)
    pixels = np.asarray(load(tmp_path / "palette.png"))
    assert pixels[0, 0, 3] == 0
    assert pixels[3, 3].tolist() == [0, 0, 255, 255]


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=95)
    loaded = load(tmp_path / "red.jpg")
    assert loaded.mode == "RGB"
    assert np.asarray(loaded)[5, 5].tolist() == pytest.approx([255, 0, 0], abs=4)


def png16(path: Path, values: np.ndarray, colour_type: int) -> Path:
    """Write a PNG of 16 bits a sample, which Pillow cannot, from `(h, w, channels) uint16`."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bits_are_scaled_to_8(tmp_path: Path, colour_type: int, channels: int) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16, 1).repeat(channels, axis=2)
    pixels = np.asarray(load(png16(tmp_path / "deep.png", ramp, colour_type))).astype(int)
    assert np.abs(pixels[:, :, 0].ravel() - np.arange(256)).max() <= 1


def test_a_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    # In a space whose green primary and gamma differ, the same numbers are another colour.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    wide = _with_swapped_primaries(profile)
    Image.new("RGB", (8, 8), (255, 0, 0)).save(tmp_path / "swapped.png", icc_profile=wide)
    assert np.asarray(load(tmp_path / "swapped.png"))[0, 0].tolist() == pytest.approx([0, 255, 0], abs=2)


def _with_swapped_primaries(profile: bytes) -> bytes:
    """An sRGB profile in which red and green have changed places, and which no longer calls itself sRGB."""
    swapped = bytearray(profile)
    tags = {bytes(swapped[at : at + 4]): at for at in range(132, 132 + 12 * int.from_bytes(swapped[128:132]), 12)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    for name in (b"s\0R\0G\0B", b"sRGB"):
        while (at := swapped.find(name)) >= 0:
            swapped[at] = ord("x")
    return bytes(swapped)


def test_a_broken_profile_is_ignored(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), (10, 20, 30)).save(tmp_path / "odd.png", icc_profile=b"no profile at all")
    assert np.asarray(load(tmp_path / "odd.png"))[0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize("read", [probe_picture, lambda source: load_image(source, (64, 32))])
@pytest.mark.parametrize("kind", ["PNG", "AVIF"])
def test_what_a_picture_is_is_found_once(
    marked: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, read: Callable[[Source], object]
) -> None:
    found: list[str] = []
    find = sniff.find_content

    def finding(path: Path) -> tuple[str, int]:
        found.append(find(path)[0])
        return find(path)

    monkeypatch.setattr(sniff, "find_content", finding)
    marked.save(tmp_path / "picture", kind)
    read(source(tmp_path / "picture"))
    assert found == [kind]


def test_an_animation_is_opened_once(marked: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Image.Image] = []

    def opening(source: Source, kind: str) -> OpenPicture:
        picture = open_picture(source, kind)
        opened.append(picture.image)
        return picture

    monkeypatch.setattr(animation, "open_picture", opening)
    marked.save(tmp_path / "moving.webp", save_all=True, append_images=[marked.rotate(180)], lossless=True)
    shown = Animation(source(tmp_path / "moving.webp"))
    frames = [np.asarray(shown.frame(number).convert("RGB")) for number in (0, 1, 0)]
    shown.close()
    assert [np.array_equal(frame, np.asarray(marked)) for frame in frames] == [True, False, True]
    [picture] = opened
    assert picture.fp is None


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "gif"])
def test_names_mean_nothing(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "picture.txt"
    with Image.open(media.photograph("coffee.png")) as photograph:
        photograph.save(path, "JPEG" if suffix == "jpg" else suffix.upper())
        assert load(path).size == photograph.size


def jpeg() -> bytes:
    return media.photographs(640, 360)[0].read_bytes()


def png() -> bytes:
    return media.photograph("coffee.png").read_bytes()


def avif() -> bytes:
    file = BytesIO()
    with Image.open(media.photographs(640, 360)[0]) as photograph:
        photograph.save(file, "AVIF", speed=10)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(kind: bytes, size: int) -> bytes:
    """A PNG with a large chunk behind its header."""
    return png()[:33] + chunk(kind, bytes(size)) + png()[33:]


def many_segments() -> bytes:
    """A JPEG with a thousand comments in front of the picture."""
    return jpeg()[:2] + (b"\xff\xfe\xff\xff" + bytes(65_533)) * 1030 + jpeg()[2:]


def bomb() -> bytes:
    """A PNG whose header claims 30000 x 30000 pixels."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")


@pytest.mark.parametrize(
    ("content", "says", "reason"),
    [
        pytest.param(
            b"hello\n",
            "is a text file, not a JPEG, PNG, WebP, AVIF, HEIC, JPEG XL, GIF, TIFF or BMP image",
            Reason.INVALID_MEDIA,
            id="text",
        ),
        pytest.param(
            b"",
            "is an empty file, not a JPEG, PNG, WebP, AVIF, HEIC, JPEG XL, GIF, TIFF or BMP image",
            Reason.INVALID_MEDIA,
            id="empty",
        ),
        pytest.param(b"<html><body>404", "is an HTML file, not", Reason.INVALID_MEDIA, id="html"),
        pytest.param(b"<?xml version='1.0'?><svg/>", "is an SVG file, not", Reason.INVALID_MEDIA, id="svg"),
        pytest.param(b"#EXTM3U\n/etc/passwd", "is a playlist file, not", Reason.INVALID_MEDIA, id="playlist"),
        pytest.param(b"\x07\x01\xfe" * 99, "is a file of unknown kind, not", Reason.INVALID_MEDIA, id="noise"),
        pytest.param(b"\0\0\0\x18ftypmif1", "is a HEIF file, not", Reason.INVALID_MEDIA, id="heic"),
        pytest.param(b"\0\0\0\x18ftypisom", "is an MP4 file, not", Reason.INVALID_MEDIA, id="mp4"),
        pytest.param(
            jpeg()[:20_000],
            "is a damaged JPEG: .*60.0% of the picture are missing",
            Reason.INVALID_MEDIA,
            id="cut-jpeg",
        ),
        pytest.param(jpeg()[:30], "is a damaged JPEG: ", Reason.INVALID_MEDIA, id="jpeg-header"),
        pytest.param(
            png()[:30_000], "is a damaged PNG: .*92.7% of the picture are missing", Reason.INVALID_MEDIA, id="cut-png"
        ),
        pytest.param(
            png()[:5000] + bytes(9000) + png()[14_000:], "is a damaged PNG: ", Reason.INVALID_MEDIA, id="corrupt-png"
        ),
        pytest.param(b"RIFF\x10\0\0\0WEBPVP8 \0", "is a damaged WebP: ", Reason.INVALID_MEDIA, id="webp-header"),
        pytest.param(b"GIF89a" + bytes(20), "is a damaged GIF: ", Reason.INVALID_MEDIA, id="gif-header"),
        pytest.param(avif()[:600], "is a damaged AVIF: ", Reason.INVALID_MEDIA, id="truncated-avif"),
        pytest.param(
            partial(with_chunk, b"iTXt", 65 << 20),
            "has more than 64 MiB of metadata",
            Reason.SOURCE_TOO_LARGE,
            id="iTXt",
        ),
        pytest.param(
            partial(with_chunk, b"eXIf", 65 << 20),
            "has more than 64 MiB of metadata",
            Reason.SOURCE_TOO_LARGE,
            id="eXIf",
        ),
        pytest.param(many_segments, "has more than 64 MiB of metadata", Reason.SOURCE_TOO_LARGE, id="segments"),
        pytest.param(bomb(), "has 30000x30000 pixels; at most 400", Reason.SOURCE_TOO_LARGE, id="bomb"),
    ],
)
def test_what_is_no_photograph_is_refused_by_name(
    tmp_path: Path, content: bytes | Callable[[], bytes], says: str, reason: Reason
) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(content() if callable(content) else content)
    with pytest.raises(PermanentError, match=rf"^spec\.clips\[2\]\.image\.uri: volume://media/x\.jpg {says}") as caught:
        load(path)
    assert caught.value.reason is reason
