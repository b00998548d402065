"""HEIC and AVIF stills: grids, which way up, opacity, colours, and files that claim what is not so."""

import struct
from fractions import Fraction
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import media
from tests.render.media.pictures import heif_files as files
from videojob_contract.errors import PermanentError, Reason
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.image import load_image
from videojob_worker.media.probe import probe_picture
from videojob_worker.pixels.coded_colors import CodedColors, luma_weights
from videojob_worker.pixels.profiles import to_srgb

WHOLE = (10_000, 10_000)
CODED_LARGER = "it is coded as 256x256 pixels, and says otherwise"


def photograph(width: int = 160, height: int = 96) -> Image.Image:
    with Image.open(media.photograph("coffee.png")) as opened:
        return Image.fromarray(np.asarray(opened.convert("RGB").resize((width, height))))


def load(tmp_path: Path, content: bytes, at_least: tuple[int, int] = WHOLE) -> Image.Image:
    path = tmp_path / "picture"
    path.write_bytes(content)
    source = Source("spec.clips[0].image.uri", "volume://media/x", path)
    probed = probe_picture(source)
    image = load_image(source, at_least)
    if at_least is WHOLE:
        assert (probed.width, probed.height) == image.size
    assert probed.has_alpha == (image.mode == "RGBA")
    return image


def apart(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    return float(np.abs(np.asarray(one.convert("RGB"), int) - np.asarray(other.convert("RGB"), int)).max())


@pytest.mark.parametrize("size", [(160, 96), (161, 97), (64, 64), (66, 130)])
def test_a_single_picture_is_as_it_was(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = photograph(*size)
    even = picture.crop((0, 0, size[0] & ~1, size[1] & ~1))
    assert apart(load(tmp_path, files.heif([files.hevc(even)])), even) <= 3


@pytest.mark.parametrize("tile", [(64, 64), (160, 32), (32, 96), (96, 64)])
def test_tiles_lie_where_they_belong_and_what_fills_them_up_is_left_out(tmp_path: Path, tile: tuple[int, int]) -> None:
    picture = photograph(150, 90)
    assert apart(load(tmp_path, files.heif(files.grid(picture, tile))), picture) <= 3


def test_a_grid_of_one_tile_is_cropped(tmp_path: Path) -> None:
    picture = photograph(150, 90)
    assert apart(load(tmp_path, files.heif(files.grid(picture, (192, 128)))), picture) <= 3


def test_tiles_of_which_nothing_is_seen_are_not_decoded(tmp_path: Path) -> None:
    picture, tile = photograph(64, 64), files.hevc(photograph(64, 64))
    grid, *_ = tiles(1, 1, 64, 64, named=(2, 3, 4, 5))
    broken = tile._replace(data=b"broken")
    assert apart(load(tmp_path, files.heif([grid, tile, broken, broken, broken])), picture) <= 3


def test_tiles_that_come_late_from_their_decoder_are_seen(tmp_path: Path) -> None:
    tile = files.hevc(photograph(), between=3)
    shown = load(tmp_path, files.heif(files.grid_of((320, 96), tile)))
    assert all(apart(shown.crop((x, 0, x + 160, 96)), photograph()) <= 3 for x in (0, 160))


def test_h265_may_crop_by_itself_what_its_blocks_fill_up(tmp_path: Path) -> None:
    picture = photograph()
    shown = load(tmp_path, files.heif([files.hevc(picture, hidden=6)]))
    assert apart(shown, picture.crop((0, 0, 154, 90))) <= 3


@pytest.mark.parametrize(("quarters", "axis"), list(product(range(4), (None, 0, 1))))
def test_a_picture_is_turned_and_then_flipped(tmp_path: Path, quarters: int, axis: int | None) -> None:
    picture = photograph()
    expected = picture.rotate(90 * quarters, expand=True)
    if axis is not None:
        expected = expected.transpose((Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.FLIP_LEFT_RIGHT)[axis])
    properties = (files.irot(quarters), *([] if axis is None else [files.imir(axis)]))
    assert apart(load(tmp_path, files.heif(files.grid(picture, (96, 64), *properties))), expected) <= 3


def test_exif_turns_nothing(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = struct.pack(">I", 6) + b"Exif\0\0" + exif.tobytes()
    items = [files.hevc(photograph()), files.Item(b"Exif", data, (), ((b"cdsc", (1,)),))]
    assert load(tmp_path, files.heif(items)).size == (160, 96)


@pytest.mark.parametrize(
    ("aperture", "edges"),
    [
        ((100, 50, 0, 0), (30, 23, 130, 73)),
        ((100, 50, 30, -23), (60, 0, 160, 50)),
        ((155, 93, Fraction(-5, 2), Fraction(3, 2)), (0, 3, 155, 96)),
        ((161, 96, 0, 0), (0, 0, 160, 96)),  # not within the picture
    ],
)
def test_a_clean_aperture_is_what_is_shown(tmp_path: Path, aperture: tuple[int, ...], edges: tuple[int, ...]) -> None:
    picture, coded = photograph(), files.hevc(photograph())
    cut = coded._replace(properties=(*coded.properties, files.clap(*map(Fraction, aperture)), files.irot(1)))
    expected = picture.crop(edges).rotate(90, expand=True)
    assert apart(load(tmp_path, files.heif([cut])), expected) <= 3


@pytest.mark.parametrize("is_grid", [False, True])
@pytest.mark.parametrize("is_multiplied", [False, True])
def test_opacity_is_a_picture_of_its_own(tmp_path: Path, is_grid: bool, is_multiplied: bool) -> None:  # noqa: FBT001
    picture, opacity = photograph(), Image.linear_gradient("L").resize((160, 96))
    rgba = picture.copy()
    rgba.putalpha(opacity)
    shown = Image.merge("RGB", rgba.convert("RGBa").split()[:3]) if is_multiplied else picture
    items = files.grid(shown, (96, 64)) if is_grid else [files.hevc(shown)]
    items = files.with_opacity(items, [files.hevc(opacity, pixels="gray")], is_multiplied=is_multiplied)
    loaded = load(tmp_path, files.heif(items))
    assert np.abs(np.asarray(loaded.getchannel("A"), int) - np.asarray(opacity, int)).max() <= 1
    seen = Image.new("RGB", loaded.size)
    seen.paste(loaded, (0, 0), loaded)
    wanted = Image.new("RGB", loaded.size)
    wanted.paste(picture, (0, 0), opacity)
    assert apart(seen, wanted) <= 6


@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize(("matrix", "code"), [("bt601", 5), ("bt601", 6), ("bt709", 1), ("bt2020", 9)])
@pytest.mark.parametrize("pixels", ["yuv444p", "yuv444p10le", "yuv420p"])
def test_matrix_and_range_are_as_the_file_says(
    tmp_path: Path,
    pixels: str,
    matrix: str,
    code: int,
    is_full: bool,  # noqa: FBT001
) -> None:
    picture = Image.new("RGB", (64, 64), (180, 60, 30))
    coded = files.hevc(picture, pixels=pixels, matrix=matrix, is_full=is_full)
    told = coded._replace(properties=(*coded.properties, files.nclx(1, 13, code, is_full=is_full)))
    assert apart(load(tmp_path, files.heif([told])), picture) <= 4


@pytest.mark.parametrize("primaries", [1, 4, 5, 6, 9, 12])
@pytest.mark.parametrize("pixels", ["yuv444p", "yuv420p10le"])
def test_a_matrix_that_is_derived_from_the_primaries_is_theirs(tmp_path: Path, pixels: str, primaries: int) -> None:
    """Y'CbCr of one colour by the weights of the primaries (H.273, equations 32 to 46), written as BT.601."""
    color = np.array((150, 90, 60)) / 255
    red, green, blue = luma_weights(primaries)
    luma = color @ (red, green, blue)
    cb, cr = (color[2] - luma) / (2 * (1 - blue)), (color[0] - luma) / (2 * (1 - red))
    written = np.array((luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb))
    coded = files.hevc(Image.new("RGB", (64, 64), tuple(np.round(written * 255).astype(int).tolist())), pixels=pixels)
    told = coded._replace(properties=(*coded.properties, files.nclx(primaries, 13, 12, is_full=True)))
    colors = CodedColors.of_code_points(primaries, 13)
    expected = Image.new("RGB", (64, 64), (150, 90, 60))
    if colors is not None:
        expected = to_srgb(expected, colors.profile())
    assert apart(load(tmp_path, files.heif([told])), expected) <= 4


def test_red_green_and_blue_as_they_are(tmp_path: Path) -> None:
    picture = photograph()
    coded = files.hevc(picture, pixels="gbrp")
    told = coded._replace(properties=(*coded.properties, files.nclx(1, 13, 0, is_full=True)))
    assert apart(load(tmp_path, files.heif([told])), picture) <= 1


@pytest.mark.parametrize("by", ["code points", "profile", "both"])
def test_wide_colours_are_brought_to_srgb(tmp_path: Path, by: str) -> None:
    p3 = CodedColors.of_code_points(12, 13)
    assert p3 is not None
    coded = files.hevc(Image.new("RGB", (64, 64), (234, 51, 35)))
    said = {
        "code points": (files.nclx(12, 13, 6, is_full=True),),
        "profile": (files.profile(p3.profile()),),
        "both": (files.nclx(1, 13, 6, is_full=True), files.profile(p3.profile())),
    }[by]
    shown = load(tmp_path, files.heif([coded._replace(properties=(*coded.properties, *said))]))
    assert shown.getpixel((30, 30)) == pytest.approx((255, 0, 0), abs=6)


@pytest.mark.parametrize("brands", [b"heicmif1", b"mif1heic", b"heixmif1", b"msf1mif1heic", b"mif1miafMiHBheic"])
def test_brands_come_in_any_order(tmp_path: Path, brands: bytes) -> None:
    picture = photograph()
    assert apart(load(tmp_path, files.heif([files.hevc(picture)], brands=brands)), picture) <= 3


def test_thumbnails_depth_and_gain_maps_are_not_the_picture(tmp_path: Path) -> None:
    picture, small = photograph(), files.hevc(Image.new("RGB", (64, 64), "red"))
    depth = files.full_box(b"auxC", 0, b"urn:mpeg:hevc:2015:auxid:2\0")
    items = [
        small._replace(references=((b"thmb", (3,)),)),
        small._replace(properties=(*small.properties, depth), references=((b"auxl", (3,)),)),
        files.hevc(picture),
    ]
    assert apart(load(tmp_path, files.heif(items, primary=3)), picture) <= 3


@pytest.mark.parametrize("grid", [True, False])
def test_a_large_picture_is_made_smaller_as_it_is_decoded(tmp_path: Path, grid: bool) -> None:  # noqa: FBT001
    picture = Image.linear_gradient("L").convert("RGB").resize((5120, 3584))
    items = [files.hevc(picture, pixels="yuv420p")]
    if grid:
        tile = files.hevc(picture.resize((1280, 896)), pixels="yuv420p")
        items = files.grid_of(picture.size, tile)
    items = files.with_opacity(items, [files.hevc(picture, pixels="gray")])
    shown = load(tmp_path, files.heif(items), (640, 448))
    assert shown.size == (1280, 896)
    assert apart(shown.getchannel("A"), picture.resize((1280, 896))) <= 2


@pytest.mark.parametrize("options", [{}, {"subsampling": "4:4:4"}, {"range": "limited"}, {"quality": 100}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_an_avif_is_what_pillow_makes_of_it(tmp_path: Path, mode: str, options: dict[str, str]) -> None:
    picture = photograph(161, 97).convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    file = BytesIO()
    picture.save(file, "AVIF", speed=8, **options)
    with Image.open(BytesIO(file.getvalue())) as opened:
        expected = opened.convert("RGBA" if mode == "RGBA" else "RGB")
    loaded = load(tmp_path, file.getvalue())
    assert loaded.mode == expected.mode
    # Chroma between its samples is another filter's.
    assert np.abs(np.asarray(loaded, int) - np.asarray(expected, int)).mean() < 2


def test_an_avif_that_is_coded_larger_than_it_says_is_not_decoded(tmp_path: Path) -> None:
    file = BytesIO()
    photograph(512, 512).save(file, "AVIF", speed=10)
    said = file.getvalue().replace(files.ispe(512, 512), files.ispe(64, 64))
    with pytest.raises(PermanentError, match=r"is a damaged AVIF: .*avcodec_send_packet"):
        load(tmp_path, said)


def test_cut_files_and_changed_bytes_are_errors_that_name_the_source(tmp_path: Path) -> None:
    content = files.heif(files.grid(photograph(), (96, 64)))
    for at in range(24, len(content), len(content) // 40):
        with pytest.raises(PermanentError, match=r"^spec\.clips\[0\]\.image\.uri: volume://media/x is "):
            load(tmp_path, content[:at])


def tiles(*data: int, named: tuple[int, ...] = (2, 3)) -> list[files.Item]:
    tile = files.hevc(Image.new("RGB", (64, 64), "red"))
    other = files.hevc(Image.new("RGB", (64, 64), "lime"))
    packed = struct.pack(">BBBBHH", 0, 0, *data)
    return [files.Item(b"grid", packed, (files.ispe(128, 64),), ((b"dimg", named),)), tile, other]


def single(kind: bytes = b"hvc1", size: tuple[int, int] | None = None, *more: bytes) -> list[files.Item]:
    item = files.hevc(Image.new("RGB", (64, 64), "red"))
    told = item.properties if size is None else (item.properties[0], files.ispe(*size))
    return [item._replace(kind=kind, properties=(*told, *more))]


def much_hidden() -> list[files.Item]:
    return [files.hevc(Image.new("RGB", (256, 256)), hidden=192)]


def sized(size: tuple[int, int], *items: files.Item) -> list[files.Item]:
    return [item._replace(properties=(item.properties[0], files.ispe(*size))) for item in items]


@pytest.mark.parametrize(
    ("items", "says", "reason"),
    [
        (
            [tiles(0, 1, 100, 64)[0], *sized((30_000, 30_000), *tiles(0, 1, 100, 64)[1:])],
            "has 30000x30000 pixels; at most 128",
            Reason.SOURCE_TOO_LARGE,
        ),
        (
            files.with_opacity(single(), sized((30_000, 30_000), *single())),
            "has 30000x30000 pixels; at most 128",
            Reason.SOURCE_TOO_LARGE,
        ),
        (much_hidden(), CODED_LARGER, Reason.INVALID_MEDIA),
        ([files.in_band(*single(), *much_hidden())], CODED_LARGER, Reason.INVALID_MEDIA),
        (sized((64, 64), files.hevc(Image.new("RGB", (256, 256)))), CODED_LARGER, Reason.INVALID_MEDIA),
        (tiles(0, 2, 128, 64), "it is a grid of 1 by 3 tiles, and names 2", Reason.INVALID_MEDIA),
        (tiles(0, 1, 128, 64, named=(2, 2)), "it is a grid of 1 by 2 tiles, and names 1", Reason.INVALID_MEDIA),
        (tiles(0, 1, 128, 64, named=(1, 2)), "a tile of it is coded in a way that is not read", Reason.INVALID_MEDIA),
        (tiles(0, 1, 400, 64), "its tiles do not cover it", Reason.INVALID_MEDIA),
        (tiles(0, 1, 0, 64), "it is a grid of", Reason.INVALID_MEDIA),
        (single(b"j2k1"), "it is coded as 'j2k1', which is not read", Reason.INVALID_MEDIA),
        (single(b"iovl"), "it is coded as 'iovl', which is not read", Reason.INVALID_MEDIA),
        (single(size=(128, 64)), "it is 64x64 pixels large, and says otherwise", Reason.INVALID_MEDIA),
        (single(size=(0, 64)), "it does not tell its size", Reason.INVALID_MEDIA),
        (single(size=(60_000, 60_000)), "has 60000x60000 pixels; at most 128", Reason.SOURCE_TOO_LARGE),
        (single(b"hvc1", None, files.nclx(1, 13, 8, is_full=True)), "by matrix 8 of H.273", Reason.INVALID_MEDIA),
        (single(b"hvc1", None, files.box(b"colr", b"nclx\0")), "its index is cut short", Reason.INVALID_MEDIA),
        (single(b"av01"), "cannot be decoded|Invalid", Reason.INVALID_MEDIA),
    ],
)
def test_what_is_not_as_it_says_is_refused(tmp_path: Path, items: list[files.Item], says: str, reason: Reason) -> None:
    with pytest.raises(PermanentError, match=rf"^spec\.clips\[0\]\.image\.uri: volume://media/x .*({says})") as caught:
        load(tmp_path, files.heif(items))
    assert caught.value.reason is reason
