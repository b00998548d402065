"""Pictures that are slightly damaged, as browsers draw them: what is there, with a warning that says what is not."""

import re
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests import media
from videojob_contract.errors import PermanentError
from videojob_contract.resources.damage import OnDamage
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.image import load_image
from videojob_worker.media.probe import probe_picture

WHOLE = (10_000, 10_000)


def photograph() -> Image.Image:
    with Image.open(media.photograph("rocket.jpg")) as opened:
        return Image.fromarray(np.asarray(opened.convert("RGB")))  # without its profile


def written(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    return (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) if crc is None else crc)
    )


def shown(tmp_path: Path, content: bytes, on_damage: OnDamage = OnDamage.CONCEAL) -> tuple[np.ndarray, tuple[str, ...]]:
    """What is drawn of a file, and what is said of it: by its probe alone, so that `plan` has it."""
    path = tmp_path / "picture"
    path.write_bytes(content)
    source = Source("spec.clips[0].image.uri", "volume://media/picture", path, on_damage=on_damage)
    probe_picture(source)
    said = source.warnings.said
    return np.asarray(load_image(source, WHOLE)).astype(int), said


WRITERS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "444": {"subsampling": 0},
    "optimized": {"optimize": True},
    "restarts": {"restart_marker_rows": 1},
}


@pytest.mark.parametrize("options", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("lost", [1, 2])
def test_a_jpeg_without_its_last_bytes_is_drawn_whole(tmp_path: Path, options: dict[str, object], lost: int) -> None:
    content = written(photograph(), "JPEG", quality=90, **options)
    drawn, said = shown(tmp_path, content[:-lost])
    assert np.array_equal(drawn, pixels(content))
    assert len(said) == 1
    assert "is a damaged JPEG: it breaks off" in said[0]


@pytest.mark.parametrize("share", [0.6, 0.75, 0.9])
@pytest.mark.parametrize("options", [WRITERS["baseline"], WRITERS["444"], WRITERS["restarts"]])
def test_a_jpeg_that_breaks_off_is_drawn_down_to_there(
    tmp_path: Path, options: dict[str, object], share: float
) -> None:
    content = written(photograph(), "JPEG", quality=90, **options)
    drawn, said = shown(tmp_path, content[: int(len(content) * share)])
    right = (drawn == pixels(content)).all(axis=(1, 2))
    missing = float(said[0].split("about ")[1].split("%")[0]) / 100
    # The rows of the block in which it breaks off are neither whole nor missing.
    assert 0 <= (1 - right.mean()) - missing < 32 / len(right)
    assert (drawn[-1] == 128).all() == (missing > 0)


def test_a_progressive_jpeg_that_breaks_off_is_drawn_less_sharp(tmp_path: Path) -> None:
    content = written(photograph(), "JPEG", quality=90, progressive=True)
    drawn, said = shown(tmp_path, content[: len(content) // 2])
    assert said
    assert 0 < np.abs(drawn - pixels(content)).mean() < 6


def test_zeroes_that_were_never_written_are_no_picture(tmp_path: Path) -> None:
    content = written(photograph(), "JPEG", quality=90)
    cut = content[: len(content) * 3 // 4]
    assert np.array_equal(shown(tmp_path, cut + bytes(len(content)))[0], shown(tmp_path, cut)[0])


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"\xff" * 9, b"SEFHe\0\0\0SEFT", b"\r\n", "a second picture"])
def test_what_follows_a_jpeg_is_left_alone(tmp_path: Path, tail: bytes | str) -> None:
    content = written(photograph(), "JPEG", quality=90)
    drawn, said = shown(tmp_path, content + (content[:900] if isinstance(tail, str) else tail))
    assert np.array_equal(drawn, pixels(content))
    assert not said


@pytest.mark.parametrize("share", [0.6, 0.9, 0.99])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_a_png_that_breaks_off_is_drawn_down_to_there(tmp_path: Path, mode: str, share: float) -> None:
    content = written(photograph().convert(mode), "PNG")
    drawn, said = shown(tmp_path, content[: int(len(content) * share)])
    right = (drawn[..., :3] == pixels(content)).all(axis=(1, 2))
    missing = float(said[0].split("about ")[1].split("%")[0]) / 100
    assert (1 - right.mean()) == pytest.approx(missing, abs=0.01)
    assert right[: int(right.sum())].all()


@pytest.mark.parametrize("seed", range(12))
def test_what_is_wrong_within_a_png_is_said(tmp_path: Path, seed: int) -> None:
    content = bytearray(written(photograph(), "PNG"))
    content[-40 - seed * len(content) // 36] ^= 0xFF
    drawn, said = shown(tmp_path, bytes(content))
    rows = (drawn == np.asarray(photograph())).all(axis=(1, 2))
    assert rows[: len(rows) // 2].all()
    assert "is a damaged PNG: " in said[0]
    with pytest.raises(PermanentError, match="is a damaged PNG: "):
        shown(tmp_path, bytes(content), OnDamage.FAIL)


def test_wrong_checksums_of_a_right_png_do_not_matter(tmp_path: Path) -> None:
    content = bytearray(written(photograph(), "PNG"))
    content[-16] ^= 1  # the last of the picture's data
    drawn, said = shown(tmp_path, bytes(content))
    assert np.array_equal(drawn, np.asarray(photograph()))
    assert not said


@pytest.mark.parametrize("lost", [4, 8, 12])
def test_a_png_without_its_end_is_whole(tmp_path: Path, lost: int) -> None:
    content = written(photograph(), "PNG")
    drawn, said = shown(tmp_path, content[:-lost])
    assert np.array_equal(drawn, pixels(content))
    assert not said


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_of_which_most_is_missing_is_refused(tmp_path: Path, kind: str) -> None:
    content = written(photograph(), kind)
    with pytest.raises(PermanentError, match=rf"spec\.clips\[0\].* is a damaged {kind}: it breaks off, about \d\d"):
        shown(tmp_path, content[: len(content) * 3 // 10])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_that_must_be_whole_is_refused_when_it_is_not(tmp_path: Path, kind: str) -> None:
    content = written(photograph(), kind)
    shown(tmp_path, content, OnDamage.FAIL)
    with pytest.raises(PermanentError, match=f"is a damaged {kind}: it breaks off"):
        shown(tmp_path, content[: len(content) * 9 // 10], OnDamage.FAIL)


@pytest.mark.parametrize("options", WRITERS.values(), ids=WRITERS)
def test_what_is_wrong_within_a_jpeg_is_found_where_it_must_be_whole(
    tmp_path: Path, options: dict[str, object]
) -> None:
    content = bytearray(written(photograph(), "JPEG", quality=90, **options))
    shown(tmp_path, bytes(content), OnDamage.FAIL)
    # The markers that let a decoder go on are where data is missing, too.
    del content[len(content) // 2 : len(content) // 2 + 700]
    shown(tmp_path, bytes(content))
    with pytest.raises(PermanentError, match=r"^spec\.clips\[0\].* is a damaged JPEG: some of its coded data is wrong"):
        shown(tmp_path, bytes(content), OnDamage.FAIL)


PNG_METADATA = {
    "a text with a wrong checksum": chunk(b"tEXt", b"Comment\0hello", 1),
    "a text that cannot be unpacked": chunk(b"zTXt", b"Comment\0\0not packed"),
    "a text that unpacks to much": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(64 << 20), 9)),
    "a text without an end": chunk(b"iTXt", b"XML:com.adobe.xmp"),
    "EXIF that is none": chunk(b"eXIf", b"garbage"),
    "EXIF that points outside": chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff"),
    "EXIF in a text": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n   99\nzz\n")),
    "a profile that cannot be unpacked": chunk(b"iCCP", b"x\0\0not packed"),
    "a profile that is none": chunk(b"iCCP", b"x\0\0" + zlib.compress(b"nonsense")),
    "a time of no month": chunk(b"tIME", b"\0" * 7),
    "sizes that are cut short": chunk(b"pHYs", b"\0"),
    "gamma that is cut short": chunk(b"gAMA", b"\0"),
    "gamma of zero": chunk(b"gAMA", bytes(4)),
    "chromaticities of nothing": chunk(b"gAMA", struct.pack(">I", 100_000)) + chunk(b"cHRM", bytes(32)),
    "code points that are cut short": chunk(b"cICP", b"\x09"),
    "a chunk of a private kind": chunk(b"prVt", bytes(99), 7),
}


@pytest.mark.parametrize("metadata", PNG_METADATA.values(), ids=PNG_METADATA)
def test_metadata_alone_never_refuses_a_png(tmp_path: Path, metadata: bytes) -> None:
    content = written(photograph(), "PNG")
    drawn, _ = shown(tmp_path, content[:33] + metadata + content[33:])
    assert np.array_equal(drawn, pixels(content))


def segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


JPEG_METADATA = {
    "EXIF that is none": segment(0xE1, b"Exif\0\0garbage"),
    "EXIF that is empty": segment(0xE1, b"Exif\0\0"),
    "EXIF that points outside": segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
    "XMP that is none": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x"),
    "a directory of pictures that is none": segment(0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff"),
    "a profile whose parts are missing": segment(0xE2, b"ICC_PROFILE\0\x02\x03" + bytes(99)),
    "a profile without numbers": segment(0xE2, b"ICC_PROFILE\0"),
    "Photoshop's resources, cut short": segment(0xED, b"Photoshop 3.0\0008BIM\x04\x04\0\0\xff\xff\xff\xff"),
    "a comment": segment(0xFE, b"\xff\xd9\xff\xda"),
    "a segment of no length": b"\xff\xe5\0\0",
    "filling": b"\xff\xff\xff",
    "bytes that belong to nothing": segment(0xFE, b"") + b"\0\x01\x02garbage",
    "every APP marker": b"".join(segment(0xE0 + number, bytes(range(number, 256))) for number in range(16)),
}


@pytest.mark.parametrize("metadata", JPEG_METADATA.values(), ids=JPEG_METADATA)
@pytest.mark.parametrize("is_first", [True, False])
def test_metadata_alone_never_refuses_a_jpeg(tmp_path: Path, metadata: bytes, is_first: bool) -> None:  # noqa: FBT001
    content = written(photograph(), "JPEG", quality=90)
    at = 2 if is_first else 20
    for on_damage in OnDamage:
        drawn, _ = shown(tmp_path, content[:at] + metadata + content[at:], on_damage)
        assert np.array_equal(drawn, pixels(content))


def test_texts_that_pillow_writes_change_nothing(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "x" * 100_000, zip=True)
    info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    drawn, said = shown(tmp_path, written(photograph(), "PNG", pnginfo=info, dpi=(300, 300)))
    assert np.array_equal(drawn, np.asarray(photograph()))
    assert not said


GIVES_UP = b"\xff\xb0\0\4ab"
"""A segment of a JPEG that no decoder knows."""
OPTIONS = {"JPEG": {"quality": 90}, "GIF": {"interlace": 0}, "BMP": {}, "TIFF": {"compression": "tiff_lzw"}}


def broken(kind: str, share: float) -> bytes:
    """A picture at which its decoder gives up where so much of it is read."""
    if kind == "TIFF":
        whole = bytearray(written(photograph(), kind, **OPTIONS[kind]))
        at = int(len(whole) * share)
        whole[at : at + 60] = b"\xff" * 60
        return bytes(whole)
    whole = written(photograph(), kind, **OPTIONS[kind])
    at = int(len(whole) * share)
    return whole[:at] + (GIVES_UP + whole[at:] if kind == "JPEG" else b"")


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", "TIFF"])
def test_what_a_decoder_gives_up_on_the_way_is_shown_as_far_as_it_is_there(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x").write_bytes(broken(kind, 0.8))
    source = Source("spec.clips[0].image.uri", "volume://media/x", tmp_path / "x")
    found = np.asarray(load_image(source, WHOLE), int)
    [said] = source.warnings.said
    assert re.search(rf"is a damaged {kind}: its decoder gives up, about \d\d?\.\d% of the picture are missing", said)
    with Image.open(BytesIO(written(photograph(), kind, **OPTIONS[kind]))) as whole:
        expected = np.asarray(whole.convert("RGB"), int)
    rows = slice(len(expected) // 2, None) if kind == "BMP" else slice(len(expected) // 2)
    assert np.abs(found - expected)[rows].max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", "TIFF"])
def test_of_what_a_decoder_gives_up_early_there_is_no_picture(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x").write_bytes(broken(kind, 0.2))
    with pytest.raises(PermanentError, match=rf"is a damaged {kind}: its decoder gives up, about [6-9]\d"):
        load_image(Source("f", "u", tmp_path / "x"), WHOLE)


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", "TIFF"])
def test_what_must_be_whole_and_is_given_up_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x").write_bytes(broken(kind, 0.8))
    with pytest.raises(PermanentError, match=rf"is a damaged {kind}: its decoder gives up"):
        load_image(Source("f", "u", tmp_path / "x", on_damage=OnDamage.FAIL), WHOLE)


def test_of_an_interlaced_gif_that_breaks_off_early_there_is_no_picture(tmp_path: Path) -> None:
    whole = written(photograph(), "GIF", interlace=1)
    (tmp_path / "x").write_bytes(whole[: len(whole) // 4])
    with pytest.raises(PermanentError, match=r"is a damaged GIF: its decoder gives up, about [6-9]\d"):
        load_image(Source("f", "u", tmp_path / "x"), WHOLE)


def test_a_jpeg_whose_picture_is_followed_by_nonsense_is_whole(tmp_path: Path) -> None:
    whole = written(photograph(), "JPEG", quality=90)
    (tmp_path / "x").write_bytes(whole[:-2] + GIVES_UP + whole[-2:])
    source = Source("f", "u", tmp_path / "x")
    found = load_image(source, WHOLE)
    assert source.warnings.said == ("f: u is a damaged JPEG: its decoder gives up, and is shown as far as it is there",)
    assert np.array_equal(np.asarray(found, int), pixels(whole))
