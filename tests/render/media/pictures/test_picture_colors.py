"""Colours of pictures: by what a profile, a PNG's chunks or code points say, whatever a profile is called."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.image import load_image
from videojob_worker.pixels.coded_colors import CodedColors
from videojob_worker.pixels.profiles import to_srgb
from videojob_worker.pixels.tonemap import to_sdr

SRGB, P3, BT2020 = 1, 12, 9
SRGB_CURVE, LINEAR, GAMMA_22 = 13, 8, 4
XY = {
    SRGB: ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    P3: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
    BT2020: ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046)),
}
WHITE = (0.3127, 0.3290)
COLORS = [(234, 51, 35), (10, 10, 10), (55, 55, 55), (128, 128, 128), (200, 180, 160), (60, 120, 90), (255, 255, 255)]


def to_xyz(corners: tuple[tuple[float, float], ...]) -> np.ndarray:
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in corners]).T
    white = np.array((WHITE[0] / WHITE[1], 1, (1 - WHITE[0] - WHITE[1]) / WHITE[1]))
    return columns * np.linalg.solve(columns, white)


def in_srgb(color: tuple[int, int, int], primaries: int, curve: int) -> np.ndarray:
    """The same colour in sRGB, by the formulas of IEC 61966-2-1."""
    signal = np.array(color) / 255
    bent = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    light = {SRGB_CURVE: bent, LINEAR: signal, GAMMA_22: signal**2.2}[curve]
    light = np.clip(np.linalg.inv(to_xyz(XY[SRGB])) @ to_xyz(XY[primaries]) @ light, 0, 1)
    return 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def named(profile: bytes, name: str) -> bytes:
    """A profile that calls itself something else: its description is exchanged."""
    count = int.from_bytes(profile[128:132])
    entries = [profile[at : at + 12] for at in range(132, 132 + 12 * count, 12)]
    text = name.encode("utf-16-be")
    description = b"mluc\0\0\0\0" + struct.pack(">II", 1, 12) + b"enUS" + struct.pack(">II", len(text), 28) + text
    table = b"".join(
        entry[:4] + struct.pack(">II", len(profile), len(description)) if entry.startswith(b"desc") else entry
        for entry in entries
    )
    whole = profile[:132] + table + profile[132 + 12 * count :] + description
    return len(whole).to_bytes(4) + whole[4:]


def load(path: Path) -> tuple[Image.Image, tuple[str, ...]]:
    source = Source("spec.clips[0].image.uri", "volume://media/x", path)
    return load_image(source, (100, 100)), source.warnings.said


def drawn(path: Path) -> np.ndarray:
    return np.asarray(load(path)[0])[4, 4].astype(int)


@pytest.mark.parametrize("name", ["sRGB IEC61966-2.1", "Display P3", ""])
@pytest.mark.parametrize("primaries", [SRGB, P3, BT2020])
@pytest.mark.parametrize("curve", [SRGB_CURVE, LINEAR, GAMMA_22])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_a_profile_is_what_it_does(tmp_path: Path, name: str, primaries: int, curve: int, kind: str) -> None:
    coded = CodedColors.of_code_points(primaries, curve) or CodedColors.of_code_points(SRGB, GAMMA_22)
    assert coded is not None
    if (primaries, curve) == (SRGB, SRGB_CURVE):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    else:
        profile = coded.profile()
    for color in COLORS:
        options = {"PNG": {}, "WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}[kind]
        Image.new("RGB", (8, 8), color).save(tmp_path / "x", kind, icc_profile=named(profile, name), **options)
        allowed = 5 if kind == "JPEG" and curve == LINEAR else 3 if kind == "JPEG" else 2
        assert drawn(tmp_path / "x") == pytest.approx(in_srgb(color, primaries, curve), abs=allowed)


def test_a_profile_of_srgb_changes_no_byte() -> None:
    for profile in (ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),):
        noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
        assert np.array_equal(np.asarray(to_srgb(Image.fromarray(noise), profile)), noise)


def grey_profile(gamma: float) -> bytes:
    """An ICC profile of version 2 for grey."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1, 0.8249)))
    head = struct.pack(">I4xI12s12x4s", 156 + len(white + curve), 0x02400000, b"mntrGRAYXYZ ", b"acsp").ljust(68, b"\0")
    table = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, len(curve))
    return (head + white[8:]).ljust(128, b"\0") + table + white + curve


@pytest.mark.parametrize("mode", ["L", "LA"])
@pytest.mark.parametrize("gamma", [1.0, 2.2])
def test_a_profile_of_grey_is_converted(tmp_path: Path, mode: str, gamma: float) -> None:
    picture = Image.new(mode, (8, 8), 55 if mode == "L" else (55, 77))
    picture.save(tmp_path / "x.png", icc_profile=grey_profile(gamma))
    image, said = load(tmp_path / "x.png")
    expected = in_srgb((55, 55, 55), SRGB, LINEAR if gamma == 1 else GAMMA_22).tolist()
    assert not said
    assert image.getpixel((4, 4)) == pytest.approx([*expected, 77] if mode == "LA" else expected, abs=2)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK"])
def test_a_profile_for_another_kind_of_picture_is_left_out(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGB", (8, 8), (200, 100, 50)).convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    picture.save(tmp_path / "x", kind, icc_profile=grey_profile(1.0))
    image, said = load(tmp_path / "x")
    assert image.getpixel((4, 4))[:3] == pytest.approx((200, 100, 50), abs=3)
    assert "has a colour profile that cannot be used" in said[0]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path: Path, color: tuple[int, int, int], *chunks: bytes) -> Path:
    file = BytesIO()
    Image.new("RGB", (8, 8), color).save(file, "PNG")
    content = file.getvalue()
    path.write_bytes(content[:33] + b"".join(chunks) + content[33:])
    return path


def chrm(primaries: int) -> bytes:
    numbers = (round(value * 100_000) for point in (WHITE, *XY[primaries]) for value in point)
    return chunk(b"cHRM", struct.pack(">8I", *numbers))


def gama(exponent: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(100_000 / exponent)))


P3_CODES = chunk(b"cICP", bytes((P3, SRGB_CURVE, 0, 1)))
LINEAR_CODES = chunk(b"cICP", bytes((SRGB, LINEAR, 0, 1)))
SRGB_CHUNK = chunk(b"sRGB", b"\0")


@pytest.mark.parametrize(
    ("chunks", "primaries", "curve"),
    [
        ((P3_CODES,), P3, SRGB_CURVE),
        ((LINEAR_CODES,), SRGB, LINEAR),
        ((gama(1.0),), SRGB, LINEAR),
        ((gama(2.2), chrm(P3)), P3, GAMMA_22),
        ((gama(2.2), chrm(BT2020)), BT2020, GAMMA_22),
        ((gama(2.2),), SRGB, SRGB_CURVE),  # what writers of sRGB write
        ((gama(2.2), chrm(SRGB)), SRGB, SRGB_CURVE),
        ((SRGB_CHUNK, gama(1.0)), SRGB, SRGB_CURVE),
        ((SRGB_CHUNK, P3_CODES), P3, SRGB_CURVE),
        ((gama(1.0), chrm(P3), chunk(b"cICP", bytes((SRGB, SRGB_CURVE, 0, 1)))), SRGB, SRGB_CURVE),
        ((chrm(P3),), SRGB, SRGB_CURVE),
    ],
)
def test_chunks_of_a_png_hold_in_their_order(
    tmp_path: Path, chunks: tuple[bytes, ...], primaries: int, curve: int
) -> None:
    for color in COLORS:
        assert drawn(png(tmp_path / "x.png", color, *chunks)) == pytest.approx(in_srgb(color, primaries, curve), abs=2)


@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("primaries", [SRGB, P3, BT2020])
def test_a_png_in_high_range_is_mapped_as_videos_are(tmp_path: Path, transfer: int, primaries: int) -> None:
    codes = chunk(b"cICP", bytes((primaries, transfer, 0, 1)))
    for color in COLORS:
        mapped = to_sdr(np.array(color) / 255, transfer, primaries) * 255
        assert drawn(png(tmp_path / "x.png", color, codes)) == pytest.approx(mapped, abs=4)
