"""TIFFs that are decoded in strips, and of any depth, are what was put in, however they are packed and laid out."""

import struct
from contextlib import suppress
from io import BytesIO
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from tests import media
from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.damage import OnDamage
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures import tiff as tiff_module
from videojob_worker.media.pictures import tiff_strips as strips
from videojob_worker.media.pictures.image import inspect_picture, load_image
from videojob_worker.pixels import upright

SIZE = (61, 43)
NONE, LZW, DEFLATE, PACKBITS = 1, 5, 8, 32773
PILLOWS = {LZW: "tiff_lzw", DEFLATE: "tiff_adobe_deflate", PACKBITS: "packbits"}
UNSIGNED, FLOAT = 1, 3

Values = npt.NDArray[Any]


def photograph(samples: int, size: tuple[int, int] = SIZE) -> npt.NDArray[np.float64]:
    """`(rows, columns, samples)` from 0 to 1."""
    with Image.open(media.photograph("coffee.png")) as opened:
        image = opened.convert("RGB").resize(size)
    if samples == 4:
        image.putalpha(Image.linear_gradient("L").resize(size))
    values = np.asarray(image if samples > 2 else image.convert("L")).reshape(size[1], size[0], -1) / 255
    return (
        np.concatenate((values, np.linspace(0, 1, size[0])[None, :, None].repeat(size[1], 0)), 2)
        if samples == 2
        else values
    )


def packed(data: bytes, row_bytes: int, compression: int) -> bytes:
    """Have Pillow pack rows."""
    if compression == NONE:
        return data
    file = BytesIO()
    rows = Image.frombytes("L", (row_bytes, len(data) // row_bytes), data)
    rows.save(file, "TIFF", compression=PILLOWS[compression], tiffinfo={278: rows.height})
    with Image.open(BytesIO(file.getvalue())) as written:
        tags = written.tag_v2
        [start], [size] = tags[273], tags[279]
    return file.getvalue()[start : start + size]


def numbers(values: npt.NDArray[np.float64], bits: int, kind: int, order: str) -> tuple[Values, bytes, int]:
    """Return `values` as numbers, their bytes, and how many bytes a row has."""
    rows, columns, samples = values.shape
    if kind == FLOAT:
        found = values.astype(f"{order}f{bits // 8}")
        return found, found.tobytes(), columns * samples * bits // 8
    found = np.round(values * ((1 << bits) - 1)).astype(np.uint64)
    if bits in {8, 16, 32}:
        return found, found.astype(f"{order}u{bits // 8}").tobytes(), columns * samples * bits // 8
    if bits == 24:
        data = b"".join(int(one).to_bytes(3, "little" if order == "<" else "big") for one in found.ravel())
        return found, data, columns * samples * 3
    places = found.reshape(rows, -1, 1) >> np.arange(bits - 1, -1, -1, dtype=np.uint64) & 1
    data = np.packbits(places.reshape(rows, -1).astype(np.uint8), axis=1)
    return found, data.tobytes(), data.shape[1]


def differences(values: npt.NDArray[np.float64], bits: int, kind: int, order: str) -> tuple[bytes, int]:
    """As `numbers`, with the predictor of whole numbers or of floating point."""
    if kind == UNSIGNED:
        found = np.round(values * ((1 << bits) - 1)).astype(np.int64)
        found[:, 1:] -= found[:, :-1].copy()
        data = (found % (1 << bits)).astype(f"{order}u{bits // 8}").tobytes()
        return data, values.shape[1] * values.shape[2] * bits // 8
    rows, columns, samples = values.shape
    highest_first = values.astype(f">f{bits // 8}").reshape(rows, -1).view(np.uint8).reshape(rows, -1, bits // 8)
    planes = highest_first.transpose(0, 2, 1).reshape(rows, -1, samples).astype(np.int16)
    planes[:, 1:] -= planes[:, :-1].copy()
    return (planes % 256).astype(np.uint8).tobytes(), columns * samples * bits // 8


def tiff(
    values: npt.NDArray[np.float64],
    bits: int,
    *,
    kind: int = UNSIGNED,
    order: str = "<",
    compression: int = NONE,
    predictor: int = 1,
    rows: int = 0,
    tile: tuple[int, int] | None = None,
    is_separate: bool = False,
    photometric: int | None = None,
    more: dict[int, tuple[int, ...]] | None = None,
) -> bytes:
    """Write a TIFF of values from 0 to 1, `(rows, columns, samples)`."""
    height, width, samples = values.shape
    planes = [values[..., at : at + 1] for at in range(samples)] if is_separate else [values]
    parts = []
    for plane in planes:
        if tile:
            filled = np.pad(plane, ((0, -height % tile[1]), (0, -width % tile[0]), (0, 0)), mode="edge")
            tops, lefts = range(0, height, tile[1]), range(0, width, tile[0])
            parts += [filled[top : top + tile[1], left : left + tile[0]] for top, left in product(tops, lefts)]
        else:
            parts += [plane[top : top + (rows or height)] for top in range(0, height, rows or height)]
    strips = []
    for part in parts:
        data, row = differences(part, bits, kind, order) if predictor > 1 else numbers(part, bits, kind, order)[1:]
        strips.append(packed(data, row, compression))
    tags: dict[int, tuple[int, ...]] = {
        256: (width,),
        257: (height,),
        258: (bits,) * samples,
        259: (compression,),
        262: ((2 if samples > 2 else 1) if photometric is None else photometric,),
        277: (samples,),
        284: (2 if is_separate else 1,),
        317: (predictor,),
        339: (kind,) * samples,
        **({322: (tile[0],), 323: (tile[1],)} if tile else {278: (rows or height,)}),
        **(more or {}),
    }
    if samples in {2, 4} and photometric is None:
        tags.setdefault(338, (2,))
    starts = [8 + sum(len(one) + len(one) % 2 for one in strips[:place]) for place in range(len(strips))]
    tags |= {324 if tile else 273: tuple(starts), 325 if tile else 279: tuple(map(len, strips))}
    body = b"".join(one + b"\0" * (len(one) % 2) for one in strips)
    at = 8 + len(body)
    directory, apart = struct.pack(f"{order}H", len(tags)), b""
    for tag, told in sorted(tags.items()):
        value = struct.pack(f"{order}{len(told)}{'B' if tag == 34675 else 'I'}", *told)
        place = value.ljust(4, b"\0")
        if len(value) > 4:
            place = struct.pack(f"{order}I", at + 2 + 12 * len(tags) + 4 + len(apart))
            apart += value + b"\0" * (len(value) % 2)
        directory += struct.pack(f"{order}HHI", tag, 7 if tag == 34675 else 4, len(told)) + place
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", at)
    return head + body + directory + bytes(4) + apart


def source(tmp_path: Path, content: bytes, **fields: Any) -> Source:
    path = tmp_path / "picture"
    path.write_bytes(content)
    return Source("spec.clips[0].image.uri", "volume://media/x", path, **fields)


def load(tmp_path: Path, content: bytes, at_least: tuple[int, int] = (5000, 5000)) -> Image.Image:
    found = source(tmp_path, content)
    inspect_picture(found)
    return load_image(found, at_least)


def check(image: Image.Image, expected: npt.NDArray[np.float64], off: int = 1) -> None:
    """Compare with what was put in, from 0 to 1."""
    samples = expected.shape[2]
    if samples < 3:
        expected = np.concatenate((expected[..., :1].repeat(3, 2), expected[..., 1:]), axis=2)
    assert image.mode == ("RGB" if expected.shape[2] == 3 else "RGBA")
    assert np.abs(np.asarray(image, int) - np.round(expected * 255)).max() <= off


DEPTHS = [(bits, UNSIGNED) for bits in (3, 6, 10, 12, 14, 24, 32)] + [(bits, FLOAT) for bits in (16, 32, 64)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize(("bits", "kind"), DEPTHS)
def test_a_picture_of_any_depth_is_what_was_put_in(
    tmp_path: Path, bits: int, kind: int, samples: int, order: str
) -> None:
    values = photograph(samples)
    image = load(tmp_path, tiff(values, bits, kind=kind, order=order, compression=LZW, rows=7))
    check(image, np.round(values * ((1 << bits) - 1)) / ((1 << bits) - 1) if bits < 8 else values)


@pytest.mark.parametrize("seed", range(60))
def test_however_it_is_packed_it_is_what_was_put_in(tmp_path: Path, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - not a secret
    bits, kind = random.choice([*DEPTHS[2:], (12, UNSIGNED), (16, FLOAT), (32, FLOAT)])
    predictors = [1] if bits in {10, 12, 14, 24, 64} else [1, 2 if kind == UNSIGNED else 3]
    values = photograph(random.choice([1, 2, 3, 4]), random.choice([SIZE, (16, 16), (1, 50), (50, 1), (33, 64)]))
    tile = random.choice([None, None, (16, 16), (32, 48)])
    content = tiff(
        values,
        bits,
        kind=kind,
        order=random.choice("<>"),
        compression=random.choice([NONE, LZW, DEFLATE, PACKBITS]),
        predictor=random.choice(predictors),
        rows=random.choice([0, 1, 5, 16]),
        tile=tile,
        is_separate=random.choice([False, True]),
    )
    check(load(tmp_path, content), values)


@pytest.mark.parametrize("factor", [2, 3, 5])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("laid_out", ["rows", "a row", "whole", "tiles", "planes"])
def test_a_large_picture_is_made_smaller_on_the_way_as_pillow_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, laid_out: str, bits: int, factor: int
) -> None:
    values = photograph(3 if bits >= 8 else 1)
    if bits == 16:
        values = np.round(values * 255) / 255
    how: dict[str, dict[str, Any]] = {
        "rows": {"rows": 4, "compression": DEFLATE},
        "a row": {"rows": 1, "compression": LZW},
        "whole": {},
        "tiles": {"tile": (16, 32), "compression": PACKBITS},
        "planes": {"rows": 6, "is_separate": True},
    }
    content = tiff(values, bits, **how[laid_out])
    whole = load(tmp_path, content)
    monkeypatch.setattr(upright, "LARGE_PIXELS", 100)
    monkeypatch.setattr(tiff_module, "LARGE_PIXELS", 100)
    monkeypatch.setattr(strips, "STRIP_BYTES", 500)
    at_least = SIZE[0] // (2 * factor), SIZE[1] // (2 * factor)
    image = load(tmp_path, content, at_least)
    by = min(SIZE[0] // (2 * at_least[0]), SIZE[1] // (2 * at_least[1]))
    expected = whole.convert("L").reduce(by).convert("RGB") if bits < 8 else whole.reduce(by)
    assert np.abs(np.asarray(image, int) - np.asarray(expected, int)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("bits", [8, 12])
def test_it_is_turned_by_its_own_tag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: int, orientation: int, *, is_large: bool
) -> None:
    if is_large:
        monkeypatch.setattr(upright, "LARGE_PIXELS", 100)
        monkeypatch.setattr(tiff_module, "LARGE_PIXELS", 100)
    found = source(tmp_path, tiff(photograph(3), bits, more={274: (orientation,)}))
    facts = inspect_picture(found)
    image = load_image(found, (5000, 5000))
    upright_size = SIZE if orientation < 5 else SIZE[::-1]
    assert (facts.width, facts.height) == image.size == upright_size
    expected = Image.fromarray(np.round(photograph(3) * 255).astype(np.uint8))
    if orientation in upright.ORIENTATIONS:
        expected = expected.transpose(upright.ORIENTATIONS[orientation])
    assert np.abs(np.asarray(image, int) - np.asarray(expected, int)).max() <= 1


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_plane_that_is_alone_is_what_was_put_in(tmp_path: Path, bits: int) -> None:
    most = (1 << bits) - 1
    values = np.round(photograph(1) * most) / most
    check(load(tmp_path, tiff(values, bits, rows=9, is_separate=True)), values)


def test_white_may_be_zero_and_ink_may_be_deep(tmp_path: Path) -> None:
    values = photograph(1)
    check(load(tmp_path, tiff(1 - values, 12, photometric=0)), values)
    inks = np.concatenate((1 - photograph(3), np.zeros((*SIZE[::-1], 1))), axis=2)
    loaded = load(tmp_path, tiff(inks, 32, photometric=5))
    expected = Image.fromarray(np.round(inks * 255).astype(np.uint8), "CMYK").convert("RGB")
    assert np.abs(np.asarray(loaded, int) - np.asarray(expected, int)).max() <= 1


def test_its_profile_holds_for_deep_numbers(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    found = source(tmp_path, tiff(photograph(3), 12, more={34675: tuple(profile)}))
    load_image(found, SIZE)
    assert "has a colour profile that cannot be used" in found.warnings.said[0]


def test_opacity_that_colours_are_multiplied_by_is_taken_out_of_them(tmp_path: Path) -> None:
    values = np.full((*SIZE[::-1], 4), (0.2, 0.1, 0.4, 0.5))
    image = load(tmp_path, tiff(values, 16, kind=FLOAT, more={338: (1,)}))
    assert image.getpixel((3, 3)) == pytest.approx((102, 51, 204, 128), abs=2)


def test_what_is_no_number_is_black_and_what_is_beyond_white_is_white(tmp_path: Path) -> None:
    values = photograph(1)
    values[0, :4, 0] = (np.nan, -5, 7, np.inf)
    found = source(tmp_path, tiff(values, 32, kind=FLOAT))
    image = load_image(found, (5000, 5000))
    assert [image.getpixel((x, 0)) for x in range(4)] == [(value,) * 3 for value in (0, 0, 255, 255)]
    assert "numbers of floating point, of which those from 0 to 1 are shown" in found.warnings.said[0]


@pytest.mark.parametrize("compression", [NONE, LZW, DEFLATE, PACKBITS])
def test_one_that_breaks_off_is_shown_as_far_as_it_is_there(tmp_path: Path, compression: int) -> None:
    values = photograph(3)
    content = bytearray(tiff(values, 12, compression=compression, rows=4))
    order = content.index(struct.pack("<HHI", 273, 4, 11))
    offsets = struct.unpack_from("<I", content, order + 8)[0]
    for strip in range(8, 11):
        struct.pack_into("<I", content, offsets + 4 * strip, len(content) + 1000)
    found = source(tmp_path, bytes(content))
    image = load_image(found, (5000, 5000))
    assert found.warnings.said == (
        f"{found.name} is a damaged TIFF: it breaks off, about 25.6% of the picture are missing",
    )
    assert np.abs(np.asarray(image, int)[:32] - np.round(values * 255)[:32]).max() <= 1
    with pytest.raises(PermanentError, match="it breaks off"):
        load_image(source(tmp_path, bytes(content), on_damage=OnDamage.FAIL), (5000, 5000))


def test_one_of_400_megapixels_is_read_where_it_is_in_strips(tmp_path: Path) -> None:
    row = np.linspace(0, 1, 20_000)[None, :, None].repeat(250, 0)
    strip = numbers(row, 8, UNSIGNED, "<")[1]
    content = bytearray(tiff(row, 8, compression=DEFLATE, rows=250))
    data = packed(strip, 20_000, DEFLATE)
    count = 80
    tags = {256: 20_000, 257: 20_000, 258: 8, 259: DEFLATE, 262: 1, 277: 1, 278: 250}
    starts = struct.pack(f"<{count}I", *[8] * count)
    sizes = struct.pack(f"<{count}I", *[len(data)] * count)
    at = 8 + len(data)
    entries = {tag: struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()}
    behind = at + 2 + 12 * 9 + 4
    entries |= {
        273: struct.pack("<HHII", 273, 4, count, behind),
        279: struct.pack("<HHII", 279, 4, count, behind + len(starts)),
    }
    directory = struct.pack("<H", 9) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    content = bytearray(b"II*\0" + struct.pack("<I", at) + data + directory + starts + sizes)
    image = load(tmp_path, bytes(content), (200, 200))
    assert image.size[0] >= 400
    assert np.abs(np.asarray(image, int)[0, :, 0] - np.linspace(0, 255, image.size[0])).max() <= 2
    content = content.replace(struct.pack("<HHII", 257, 4, 1, 20_000), struct.pack("<HHII", 257, 4, 1, 40_000))
    with pytest.raises(PermanentError, match="at most 400 megapixels") as refused:
        inspect_picture(source(tmp_path, bytes(content)))
    assert refused.value.reason is Reason.SOURCE_TOO_LARGE


@pytest.mark.parametrize("seed", range(200))
def test_no_broken_tiff_is_more_than_an_error(tmp_path: Path, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - not a secret
    bits, kind = random.choice(DEPTHS)
    content = bytearray(
        tiff(
            photograph(random.choice([1, 3])), bits, kind=kind, compression=random.choice([NONE, LZW, DEFLATE]), rows=9
        )
    )
    for _ in range(random.choice([1, 4, 20])):
        content[random.randrange(4, len(content))] = random.randrange(256)
    if random.random() < 0.3:
        del content[random.randrange(len(content)) :]
    with suppress(PermanentError):
        load(tmp_path, bytes(content))


def test_a_directory_that_no_file_can_have_is_an_error(tmp_path: Path) -> None:
    content = b"II+\0\x08\0\0\0" + b"\xff" * 8 + tiff(photograph(1), 12)[8:]
    with pytest.raises(PermanentError, match="is a damaged TIFF: "):
        load(tmp_path, content)
