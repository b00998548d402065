"""JPEG XL as its writers make it, against what was put in, and what libjxl must never be given."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests import media
from tests.render.media.pictures.jpeg_xl_files import ALPHA, BLACK, DEPTH, encode, header, write_jpeg_xl
from videojob_contract.errors import PermanentError, Reason
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures import libjxl
from videojob_worker.media.pictures.image import inspect_picture, load_image
from videojob_worker.pixels.coded_colors import CodedColors
from videojob_worker.pixels.tonemap import BT2020, HLG, PQ

SIZE = (61, 43)
LOSSLESS = ("-d", "0", "-e", "2")
RESPONSIVE = (*LOSSLESS, "-R", "1")
LOSSY = ("-d", "0.5", "-e", "3")
PROGRESSIVE = ("-d", "0.5", "-p")
SQUEEZED = ("-d", "0.5", "-e", "3", "-m", "1")


def photograph() -> Image.Image:
    with Image.open(media.photograph("coffee.png")) as opened:
        return opened.convert("RGB").resize(SIZE)


def transparent() -> Image.Image:
    picture = photograph()
    picture.putalpha(Image.linear_gradient("L").resize(SIZE))
    return picture


def source(path: Path) -> Source:
    return Source("spec.clips[0].image.uri", "volume://media/x", path)


def load(path: Path, *warnings: str) -> np.ndarray:
    found = source(path)
    facts = inspect_picture(found)
    image = load_image(found, (5000, 5000))
    assert image.size == (facts.width, facts.height)
    assert (image.mode == "RGBA") == facts.has_alpha
    assert found.warnings.said == warnings
    return np.asarray(image, int)


@pytest.mark.parametrize("options", [LOSSLESS, RESPONSIVE, LOSSY, PROGRESSIVE, SQUEEZED], ids=" ".join)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA"])
def test_a_picture_is_what_was_put_in(tmp_path: Path, mode: str, options: tuple[str, ...]) -> None:
    picture = (transparent() if "A" in mode else photograph()).convert(mode)
    write_jpeg_xl(picture, tmp_path / "x.jxl", *options)
    expected = np.asarray(picture.convert("RGBA" if "A" in mode else "RGB"), int)
    off = np.abs(load(tmp_path / "x.jxl") - expected)
    if "A" in mode:  # what cannot be seen may have any colour
        off = off * expected[:, :, 3:] / 255
    assert off.max() <= 1 if "0" in options else off.mean() < 6


def test_a_picture_of_16_bits_is_rounded(tmp_path: Path) -> None:
    deep = np.asarray(photograph(), np.uint16) * 257
    (tmp_path / "x.ppm").write_bytes(b"P6 %d %d 65535\n" % SIZE + deep.astype(">u2").tobytes())
    encode(tmp_path / "x.ppm", tmp_path / "x.jxl", *LOSSLESS)
    assert np.abs(load(tmp_path / "x.jxl") - np.asarray(photograph(), int)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_recompressed_jpeg_is_as_it_was_and_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photograph().save(tmp_path / "x.jpg", quality=95, subsampling=0, exif=exif)
    encode(tmp_path / "x.jpg", tmp_path / "x.jxl")
    with Image.open(tmp_path / "x.jpg") as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened), int)
    found = load(tmp_path / "x.jxl")
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 1.5


@pytest.mark.parametrize("options", [LOSSLESS, LOSSY], ids=" ".join)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_profile_is_followed(tmp_path: Path, mode: str, options: tuple[str, ...]) -> None:
    space = "Gra_D65_Rel_Lin" if mode == "L" else "RGB_D65_DCI_Rel_SRG"
    kind = "x.pgm" if mode == "L" else "x.ppm"
    photograph().convert(mode).save(tmp_path / kind)
    encode(tmp_path / kind, tmp_path / "x.jxl", "-x", f"color_space={space}", *options)
    if mode == "L":
        light = np.asarray(photograph().convert("L")) / 255
        expected = 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)[:, :, None]
    else:
        colors = CodedColors.of_code_points(12, 13)
        assert colors is not None
        (tmp_path / "profile").write_bytes(colors.profile())
        photograph().save(tmp_path / "x.png", icc_profile=colors.profile())
        expected = load(tmp_path / "x.png")
    off = np.abs(load(tmp_path / "x.jxl") - expected)
    assert off.mean() < (1 if options == LOSSLESS else 4)


@pytest.mark.parametrize("options", [LOSSLESS, ("-d", "0.1", "-e", "3")], ids=" ".join)
@pytest.mark.parametrize(("name", "transfer"), [("PeQ", PQ), ("HLG", HLG)])
def test_what_is_brighter_than_paper_is_mapped_as_that_of_other_kinds(
    tmp_path: Path, name: str, transfer: int, options: tuple[str, ...]
) -> None:
    photograph().save(tmp_path / "x.ppm")
    encode(tmp_path / "x.ppm", tmp_path / "x.jxl", "-x", f"color_space=RGB_D65_202_Rel_{name}", *options)
    colors = CodedColors.of_code_points(BT2020, transfer)
    assert colors is not None
    off = np.abs(load(tmp_path / "x.jxl") - np.asarray(colors.tone_mapped(photograph()), int))
    assert off.max() <= 1 if options == LOSSLESS else off.mean() < 4


def test_of_an_animation_the_first_picture_is_shown_and_that_is_said(tmp_path: Path) -> None:
    second = Image.new("RGB", SIZE, "red")
    photograph().save(tmp_path / "x.png", save_all=True, append_images=[second], duration=100)
    encode(tmp_path / "x.png", tmp_path / "x.jxl", *LOSSLESS)
    said = "spec.clips[0].image.uri: volume://media/x is an animation, and its first picture is shown"
    assert np.array_equal(load(tmp_path / "x.jxl", said), np.asarray(photograph()))


def test_a_picture_is_what_djxl_and_ffmpeg_show(tmp_path: Path) -> None:
    write_jpeg_xl(photograph(), tmp_path / "x.jxl", "-d", "2")
    for command in (["djxl"], ["ffmpeg", "-v", "error", "-i"]):
        subprocess.run([*command, tmp_path / "x.jxl", tmp_path / "back.png"], check=True, capture_output=True)
        with Image.open(tmp_path / "back.png") as shown:
            assert np.abs(load(tmp_path / "x.jxl") - np.asarray(shown, int)).max() <= 2
        (tmp_path / "back.png").unlink()


def test_a_large_one_is_made_smaller(tmp_path: Path) -> None:
    write_jpeg_xl(photograph().resize((5000, 3300)), tmp_path / "x.jxl", "-e", "1", "-d", "0")
    assert load_image(source(tmp_path / "x.jxl"), (800, 500)).size == (1667, 1100)


def test_one_that_breaks_off_is_refused(tmp_path: Path) -> None:
    write_jpeg_xl(photograph(), tmp_path / "x.jxl", *LOSSLESS)
    whole = (tmp_path / "x.jxl").read_bytes()
    for length in (2, 5, 12, 60, len(whole) // 2, len(whole) - 1):
        (tmp_path / "x.jxl").write_bytes(whole[:length])
        with pytest.raises(PermanentError, match="is a damaged JPEG XL: it breaks off"):
            load(tmp_path / "x.jxl")


def test_one_that_is_damaged_is_refused(tmp_path: Path) -> None:
    write_jpeg_xl(photograph(), tmp_path / "x.jxl", *LOSSLESS)
    whole = (tmp_path / "x.jxl").read_bytes()
    (tmp_path / "x.jxl").write_bytes(whole[:40] + bytes(100) + whole[140:])
    with pytest.raises(PermanentError, match="is a damaged JPEG XL: it cannot be decoded"):
        load(tmp_path / "x.jxl")


@pytest.mark.parametrize(
    ("content", "says", "reason"),
    [
        (header((20_000, 8_000)), "has 20000x8000 pixels; at most 128 megapixels", Reason.SOURCE_TOO_LARGE),
        (header((2**30, 2**30)), "has 1073741824x1073741824 pixels", Reason.SOURCE_TOO_LARGE),
        (header(SIZE, [ALPHA, *[DEPTH] * 8]), "it has 9 channels beside colour", Reason.INVALID_MEDIA),
        (header(SIZE, [BLACK]), "it is coded as CMYK, which is not read; convert it", Reason.INVALID_MEDIA),
    ],
)
def test_what_a_header_says_is_bounded(tmp_path: Path, content: bytes, says: str, reason: Reason) -> None:
    (tmp_path / "x.jxl").write_bytes(content)
    with pytest.raises(PermanentError, match=says) as raised:
        inspect_picture(source(tmp_path / "x.jxl"))
    assert raised.value.reason is reason


def test_the_header_alone_tells_what_is_planned(tmp_path: Path) -> None:
    (tmp_path / "x.jxl").write_bytes(header((7000, 5000), [ALPHA, DEPTH]))
    facts = inspect_picture(source(tmp_path / "x.jxl"))
    assert (facts.width, facts.height, facts.has_alpha) == (7000, 5000, True)


def test_a_library_that_is_not_installed_is_named_with_its_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.jxl").write_bytes(header(SIZE))
    monkeypatch.setattr(libjxl, "_SONAMES", ("libjxl.so.none", "libjxl.so.neither"))
    libjxl.libjxl.cache_clear()
    try:
        with pytest.raises(PermanentError, match=r"JPEG XL cannot be read here: .* install .*libjxl0\.7, or") as raised:
            inspect_picture(source(tmp_path / "x.jxl"))
    finally:
        libjxl.libjxl.cache_clear()
    assert raised.value.reason is Reason.NOT_SUPPORTED
