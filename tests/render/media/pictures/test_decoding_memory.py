"""What decoding a picture takes of memory, as predicted from its header and as measured."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from tests import media
from tests.render.media.pictures import heif_files as files
from tests.render.media.pictures.jpeg_xl_files import write_jpeg_xl
from videojob_contract.errors import PermanentError
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.decoding_memory import LARGE_BYTES, DecodingMemory, memory_turn
from videojob_worker.media.pictures.image import inspect_picture, load_image

SIZE = (5200, 3200)
MEASURE = """
import re, sys
from pathlib import Path
from videojob_worker.allocator import return_large_buffers
from videojob_worker.media.pictures.image import inspect_picture, load_image
from videojob_worker.media.files.source import Source
def read(what):
    return int(re.search(what + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
return_large_buffers()
small, large = (Source("f", "u", Path(path)) for path in sys.argv[1:3])
at_least = int(sys.argv[3]), int(sys.argv[4])
load_image(small, at_least)
predicted = inspect_picture(large).decoding.bytes_for(at_least)
Path("/proc/self/clear_refs").write_text("5")
before = read("VmRSS")
image = load_image(large, at_least)
print(predicted, read("VmHWM") - before)
"""


@cache
def photograph(size: tuple[int, int]) -> Image.Image:
    with Image.open(media.photograph("coffee.png")) as opened:
        return opened.convert("RGB").resize(size)


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    return made


def write_deep_tiff(image: Image.Image, path: Path) -> None:
    image.save(path.with_suffix(".bmp"))
    command = ["ffmpeg", "-v", "error", "-y", "-i", path.with_suffix(".bmp"), "-pix_fmt", "rgb48le", "-f", "image2"]
    subprocess.run([*command, "-c:v", "tiff", path], check=True)


WRITERS: dict[str, Callable[[Image.Image, Path], None]] = {
    "jpeg": lambda image, path: image.save(path, "JPEG"),
    "jpeg-sideways": lambda image, path: image.save(path, "JPEG", exif=exif(6)),
    "jpeg-progressive": lambda image, path: image.save(path, "JPEG", progressive=True),
    "jpeg-progressive-444": lambda image, path: image.save(path, "JPEG", progressive=True, subsampling=0),
    "jpeg-grey": lambda image, path: image.convert("L").save(path, "JPEG"),
    "jpeg-cmyk": lambda image, path: image.convert("CMYK").save(path, "JPEG"),
    "png": lambda image, path: image.save(path, "PNG", compress_level=1),
    "png-sideways": lambda image, path: image.save(path, "PNG", compress_level=1, exif=exif(6)),
    "png-rgba": lambda image, path: image.convert("RGBA").save(path, "PNG", compress_level=1),
    "png-palette": lambda image, path: image.convert("P").save(path, "PNG", compress_level=1),
    "png-grey": lambda image, path: image.convert("L").save(path, "PNG", compress_level=1),
    "webp": lambda image, path: image.save(path, "WEBP", method=0),
    "avif": lambda image, path: image.save(path, "AVIF", speed=10),
    "jpeg-xl": lambda image, path: write_jpeg_xl(image, path, "-e", "3"),
    "jpeg-xl-see-through": lambda image, path: write_jpeg_xl(image.convert("RGBA"), path, "-e", "3"),
    "jpeg-xl-lossless": lambda image, path: write_jpeg_xl(image, path, "-e", "1", "-d", "0"),
    "jpeg-xl-grey": lambda image, path: write_jpeg_xl(image.convert("L"), path, "-e", "3"),
    "gif": lambda image, path: image.convert("P").save(path, "GIF"),
    "tiff": lambda image, path: image.save(path, "TIFF"),
    "tiff-lzw": lambda image, path: image.save(path, "TIFF", compression="tiff_lzw"),
    "tiff-see-through": lambda image, path: image.convert("RGBA").save(path, "TIFF", compression="packbits"),
    "tiff-sideways": lambda image, path: image.save(path, "TIFF", tiffinfo={274: 6}),
    "tiff-two-levels": lambda image, path: image.convert("1").save(path, "TIFF", compression="packbits"),
    "tiff-of-floats": lambda image, path: image.convert("F").save(path, "TIFF"),
    "tiff-16-bit": write_deep_tiff,
}


def grid(tile: tuple[int, int], *properties: bytes, pixels: str = "yuv420p") -> list[files.Item]:
    return files.grid_of(SIZE, files.hevc(Image.new("RGB", tile), pixels=pixels), *properties)


def see_through(*, is_multiplied: bool = False) -> list[files.Item]:
    items = grid((512, 512))
    opacity = files.grid_of(SIZE, files.hevc(Image.new("L", (512, 512)), pixels="gray"), number=len(items) + 1)
    return files.with_opacity(items, opacity, is_multiplied=is_multiplied)


HEIF: dict[str, Callable[[], list[files.Item]]] = {
    "heic": lambda: grid(SIZE)[1:],
    "heic-10-bit": lambda: grid(SIZE, pixels="yuv444p10le")[1:],
    "tiles": lambda: grid((512, 512)),
    "large-tiles": lambda: grid((2624, 3200)),
    "one-larger-tile": lambda: grid((5248, 3200)),
    "tiles-of-odd-size": lambda: grid((1301, 801), pixels="yuv444p"),
    "tiles-sideways": lambda: grid((512, 512), files.irot(1)),
    "tiles-see-through": see_through,
    "tiles-multiplied": lambda: see_through(is_multiplied=True),
}


def heif_writer(items: Callable[[], list[files.Item]]) -> Callable[[Image.Image, Path], None]:
    def write(image: Image.Image, path: Path) -> None:
        path.write_bytes(files.heif(items() if image.size == SIZE else [files.hevc(image)]))

    return write


@pytest.mark.parametrize(
    ("write", "at_least"),
    [(write, (1280, 720)) for write in WRITERS.values()]
    + [
        (WRITERS[name], SIZE)
        for name in ("jpeg-sideways", "png", "png-palette", "png-sideways", "tiff", "tiff-sideways")
    ]
    + [(heif_writer(items), (1280, 720)) for items in HEIF.values()]
    + [(heif_writer(HEIF[name]), SIZE) for name in ("tiles-sideways", "tiles-multiplied")],
    ids=[
        *WRITERS,
        *("jpeg-sideways-whole", "png-whole", "png-palette-whole", "png-sideways-whole"),
        *("tiff-whole", "tiff-sideways-whole"),
        *HEIF,
        *("tiles-sideways-whole", "tiles-multiplied-whole"),
    ],
)
def test_what_decoding_takes_is_predicted(
    tmp_path: Path, write: Callable[[Image.Image, Path], None], at_least: tuple[int, int]
) -> None:
    write(photograph(SIZE), tmp_path / "large")
    write(photograph((64, 48)), tmp_path / "small")
    arguments = [str(tmp_path / "small"), str(tmp_path / "large"), *map(str, at_least)]
    ran = subprocess.run([sys.executable, "-c", MEASURE, *arguments], check=True, capture_output=True, text=True)
    predicted, measured = map(int, ran.stdout.split())
    assert -0.1 <= predicted / measured - 1 <= 0.5


def test_a_jpeg_of_more_than_128_megapixels_is_decoded_smaller(tmp_path: Path) -> None:
    Image.new("L", (20_000, 8_000), 77).save(tmp_path / "x", "JPEG")
    source = Source("f", "u", tmp_path / "x")
    probed = inspect_picture(source)
    assert (probed.width, probed.height) == (20_000, 8_000)
    assert load_image(source, (20_000, 8_000)).size == (10_000, 4_000)
    assert probed.decoding.bytes_for((20_000, 8_000)) < 10_000 * 4_000 * 6


def test_a_png_of_more_than_128_megapixels_is_decoded_in_strips(tmp_path: Path) -> None:
    Image.new("L", (20_000, 8_000), 77).save(tmp_path / "x", "PNG", compress_level=1)
    source = Source("f", "u", tmp_path / "x")
    probed = inspect_picture(source)
    assert probed.decoding.bytes_for((20_000, 8_000)) < 10_000 * 4_000 * 6
    assert probed.decoding.bytes_for((1280, 720)) < 100 * 1024**2
    image = load_image(source, (1280, 720))
    assert image.size == (20_000 // 5, 8_000 // 5)
    assert image.getpixel((3999, 1599)) == (77, 77, 77)


@pytest.mark.parametrize("kind", ["JPEG", "BMP"])
def test_what_cannot_be_decoded_smaller_is_refused(tmp_path: Path, kind: str) -> None:
    Image.new("L", (20_000, 8_000), 77).save(tmp_path / "x", kind, progressive=True)
    with pytest.raises(PermanentError, match="has 20000x8000 pixels; at most 128 megapixels are allowed"):
        inspect_picture(Source("f", "u", tmp_path / "x"))


def test_a_progressive_jpeg_holds_all_of_its_coefficients() -> None:
    plain = DecodingMemory(8000, 6000, 4, has_drafts=True)
    progressive = DecodingMemory(8000, 6000, 4, stored_bytes=3, has_drafts=True)
    assert progressive.bytes_for((500, 300)) - plain.bytes_for((500, 300)) == 8000 * 6000 * 3


def test_large_pictures_wait_for_each_other_and_others_do_not() -> None:
    inside, most = 0, 0
    lock = threading.Lock()

    def work(size_bytes: int) -> None:
        nonlocal inside, most
        with memory_turn(size_bytes):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.05)
            with lock:
                inside -= 1

    for size_bytes, expected in ((LARGE_BYTES + 1, 1), (LARGE_BYTES, 4)):
        most = 0
        threads = [threading.Thread(target=work, args=(size_bytes,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == expected
