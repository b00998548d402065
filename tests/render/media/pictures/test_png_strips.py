"""PNGs that are decoded in strips are what Pillow decodes whole, whatever their pixels are and wherever strips end."""

import subprocess
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import media
from tests.render.media.pictures.test_picture_formats import chunk, png
from videojob_contract.errors import PermanentError
from videojob_contract.resources.damage import OnDamage
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures import png_strips as strips
from videojob_worker.media.pictures.image import inspect_picture, load_image
from videojob_worker.pixels import upright
from videojob_worker.pixels.upright import reduced

SIZE = (61, 43)
FORMATS = ["monob", "gray", "gray16be", "ya8", "ya16be", "pal8", "rgb24", "rgb48be", "rgba", "rgba64be"]
"""What ffmpeg writes, by its names."""


@pytest.fixture
def small_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strips of one or a few rows, and every picture taken for a large one."""
    monkeypatch.setattr(strips, "STRIP_BYTES", 700)
    monkeypatch.setattr(upright, "LARGE_PIXELS", 100)


def photograph(mode: str = "RGB") -> Image.Image:
    with Image.open(media.photograph("coffee.png")) as opened:
        picture = opened.convert("RGB").resize(SIZE)
    if "A" in mode:
        picture.putalpha(Image.linear_gradient("L").resize(SIZE))
    return picture.convert(mode)


def both(content: bytes, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Decoded in strips, and whole by Pillow."""
    with Image.open(BytesIO(content)) as header, Image.open(BytesIO(content)) as whole:
        found = strips.png_strips(BytesIO(content), header)
        assert found is not None
        image, rows = found.decode(BytesIO(content), factor)
        assert rows == header.height
        whole.load()
        expected = reduced(whole, factor)
        assert image.mode == expected.mode
        return np.asarray(image, int), np.asarray(expected, int)


@pytest.mark.usefixtures("small_strips")
@pytest.mark.parametrize("filtered", ["up", "avg", "paeth", "mixed"])
@pytest.mark.parametrize("pixels", FORMATS)
def test_a_png_of_ffmpeg_is_what_pillow_decodes(tmp_path: Path, pixels: str, filtered: str) -> None:
    photograph("RGBA").save(tmp_path / "in.png")
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "in.png", "-pix_fmt", pixels, "-pred", filtered]
    subprocess.run([*command, tmp_path / "x.png"], check=True)
    for factor in (1, 3):
        found, expected = both((tmp_path / "x.png").read_bytes(), factor)
        # Of 16 bits, those that are left out can round a value up.
        assert np.abs(found - expected).max() <= (1 if "16" in pixels or "48" in pixels or "64" in pixels else 0)


@pytest.mark.usefixtures("small_strips")
@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("is_palette", [False, True])
def test_pixels_that_share_bytes_are_told_apart(bits: int, *, is_palette: bool) -> None:
    values = np.asarray(photograph("L"))[:, :, None] >> (8 - bits)
    if is_palette:
        palette = b"PLTE", bytes(range(3 << bits))
        more = chunk(*palette) + chunk(b"tRNS", bytes([0, 99]))
    else:
        more = chunk(b"tRNS", b"\0\1")
    rows = np.packbits(np.unpackbits(values.astype(np.uint8), axis=2)[:, :, -bits:].reshape(SIZE[1], -1), axis=1)
    content = png(rows[:, :, None], bits=8, colour=0, more=more).replace(
        png_header(rows.shape[1], 8, 0), png_header(SIZE[0], bits, 3 if is_palette else 0)
    )
    for factor in (1, 3):
        found, expected = both(content, factor)
        assert np.array_equal(found, expected)


def png_header(width: int, bits: int, colour: int) -> bytes:
    return chunk(b"IHDR", width.to_bytes(4) + SIZE[1].to_bytes(4) + bytes([bits, colour, 0, 0, 0]))


@pytest.mark.usefixtures("small_strips")
def test_a_large_png_is_decoded_in_strips_upright_and_in_srgb(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph("RGBA").resize((300, 200)).save(tmp_path / "x", "PNG", exif=exif)
    found = Source("f", "u", tmp_path / "x")
    facts = inspect_picture(found)
    assert facts.decoding.strips((30, 40)) == 3
    image = load_image(found, (30, 40))
    with Image.open(tmp_path / "x") as whole:
        expected = whole.reduce(3).transpose(Image.Transpose.ROTATE_270)
    assert np.array_equal(np.asarray(image), np.asarray(expected))


@pytest.mark.usefixtures("small_strips")
def test_one_that_breaks_off_is_shown_as_far_as_it_is_there(tmp_path: Path) -> None:
    picture = photograph().resize((300, 200))
    picture.save(tmp_path / "x", "PNG")
    content = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(content[: len(content) * 3 // 4])
    found = Source("f", "u", tmp_path / "x")
    image = load_image(found, (30, 40))
    assert "about 25." in found.warnings.said[0]
    rows = np.asarray(image).any(axis=(1, 2))
    assert 60 <= rows.sum() <= 76
    assert np.array_equal(np.asarray(image)[:60], np.asarray(picture.reduce(2))[:60])
    with pytest.raises(PermanentError, match="is a damaged PNG: it breaks off"):
        load_image(Source("f", "u", tmp_path / "x", on_damage=OnDamage.FAIL), (30, 40))


@pytest.mark.usefixtures("small_strips")
def test_what_is_more_than_its_size_is_not_unpacked() -> None:
    bomb = zlib.compress(bytes(100_000_000), 9)
    content = b"\x89PNG\r\n\x1a\n" + png_header(SIZE[0], 8, 0) + chunk(b"IDAT", bomb) + chunk(b"IEND", b"")
    with Image.open(BytesIO(content)) as header:
        found = strips.png_strips(BytesIO(content), header)
        assert found is not None
        image, rows = found.decode(BytesIO(content), 1)
    assert (image.size, rows) == (SIZE, SIZE[1])


def test_what_is_interlaced_or_has_a_colour_of_16_bits_for_nothing_is_decoded_whole() -> None:
    values = np.full((4, 4, 3), 300)
    woven = png(values // 2, bits=8, colour=2, interlaced=True)
    keyed = png(values, bits=16, colour=2, more=chunk(b"tRNS", b"\0\1\0\2\0\3"))
    for content in (woven, keyed):
        with Image.open(BytesIO(content)) as header:
            assert strips.png_strips(BytesIO(content), header) is None
