"""Which way up pictures are: by EXIF alone, in every format that has it, as browsers show them."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.image import load_image
from videojob_worker.media.probe import probe_picture

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF>'
    b"</x:xmpmeta>"
)


def marked() -> Image.Image:
    picture = Image.new("RGB", (96, 48), "white")
    picture.paste("red", (0, 0, 32, 16))
    picture.paste("lime", (64, 0, 96, 16))
    picture.paste("blue", (0, 32, 32, 48))
    return picture


def loaded(tmp_path: Path, content: bytes) -> Image.Image:
    path = tmp_path / "picture"
    path.write_bytes(content)
    source = Source("spec.clips[0].image.uri", "volume://media/x", path)
    facts = probe_picture(source)
    image = load_image(source, (5000, 5000))
    assert (facts.width, facts.height) == image.size
    return image


def written(kind: str, **options: object) -> bytes:
    file = BytesIO()
    lossless: dict[str, object] = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    marked().save(file, kind, **lossless, **options)
    return file.getvalue()


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pictures_are_turned_as_exif_says(tmp_path: Path, kind: str, orientation: int, order: str) -> None:
    exif = Image.Exif()
    exif.endian = "<" if order == "little" else ">"
    exif[0x0112] = orientation
    content = written(kind, exif=exif.tobytes())
    with Image.open(BytesIO(content)) as opened:
        expected = ImageOps.exif_transpose(opened.convert("RGB")) if 1 < orientation < 9 else opened.convert("RGB")
    assert np.array_equal(np.asarray(loaded(tmp_path, content)), np.asarray(expected))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [None, 1, 3])
def test_xmp_turns_nothing(tmp_path: Path, kind: str, orientation: int | None) -> None:
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    options: dict[str, object] = {"pnginfo": info} if kind == "PNG" else {"xmp": XMP}
    content = written(kind, exif=exif.tobytes() if orientation else b"", **options)
    assert b"tiff:Orientation" in content
    corner = (0, 0) if orientation != 3 else (95, 47)
    image = loaded(tmp_path, content)
    assert image.size == (96, 48)
    assert image.getpixel(corner) == pytest.approx((255, 0, 0), abs=6)


def test_the_way_up_of_a_thumbnail_is_not_that_of_the_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x0112] = 6  # in the wrong directory
    assert loaded(tmp_path, written("JPEG", exif=exif.tobytes())).size == (96, 48)
