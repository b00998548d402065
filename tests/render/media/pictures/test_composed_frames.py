"""Animated GIFs and PNGs are put together as their formats say, whatever becomes of each frame before the next."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests import media
from tests.render.media.pictures.test_picture_formats import chunk
from videojob_contract.errors import PermanentError
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.animation import Animation
from videojob_worker.media.pictures.composed_frames import Disposal
from videojob_worker.media.pictures.image import inspect_picture, load_image

SIZE = (40, 30)
KEPT, CLEARED, RESTORED = Disposal
GIF_CODES = {KEPT: 1, CLEARED: 2, RESTORED: 3}
PNG_CODES = {KEPT: 0, CLEARED: 1, RESTORED: 2}

Pixels = npt.NDArray[np.uint8]


class Frame(NamedTuple):
    picture: Image.Image
    """RGBA, each pixel opaque or not there."""
    left: int
    top: int
    disposal: Disposal
    is_blended: bool


def piece(random: Random) -> Image.Image:
    """A part of a photograph with a hole in it, in 16 colours."""
    with Image.open(media.photograph("coffee.png")) as opened:
        photograph = opened.convert("RGB").resize((80, 60)).quantize(12).convert("RGB")
    width, height = random.randint(1, 40), random.randint(1, 30)
    left, top = random.randrange(80 - width), random.randrange(60 - height)
    image = photograph.crop((left, top, left + width, top + height))
    hole = Image.new("L", image.size, 255)
    hole.paste(0, (width // 3, height // 3, width // 2, height // 2))
    image.putalpha(hole)
    return image


def frames(seed: int, *, is_gif: bool) -> list[Frame]:
    random = Random(seed)  # noqa: S311 - not a secret
    found = []
    for _ in range(random.randint(2, 7)):
        picture = piece(random)
        beyond = (
            10 if is_gif and found else 0
        )  # a PNG's may not reach beyond it; what a GIF's first does makes it larger
        left = random.randint(0, SIZE[0] - picture.width + beyond)
        top = random.randint(0, SIZE[1] - picture.height + beyond)
        disposal = random.choice(list(Disposal))
        found.append(Frame(picture, left, top, disposal, is_gif or random.random() < 0.5))
    return found


def composed(given: list[Frame]) -> list[Pixels]:
    """What is on screen, over black: by the words of the formats (GIF89a, 23; PNG, third edition, 11.3.6.2)."""
    before = np.zeros((SIZE[1] + 50, SIZE[0] + 50, 4), np.uint8)
    seen = []
    for picture, left, top, disposal, is_blended in given:
        shown, pixels = before.copy(), np.asarray(picture)
        place = np.s_[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        shown[place] = np.where(pixels[..., 3:] > 0, pixels, shown[place]) if is_blended else pixels
        seen.append((shown[..., :3] * (shown[..., 3:] > 0))[: SIZE[1], : SIZE[0]])
        if disposal is not RESTORED:
            before = shown.copy()
        if disposal is CLEARED:
            before[place] = 0
    return seen


def gif(given: list[Frame], size: tuple[int, int] = SIZE) -> bytes:
    content = b"GIF89a" + struct.pack("<HHBBB", *size, 0, 0, 0)
    for picture, left, top, disposal, _ in given:
        file = BytesIO()
        pixels = np.asarray(picture)
        told, values = np.unique(pixels[..., :3].reshape(-1, 3), axis=0, return_inverse=True)
        values = np.where(pixels[..., 3] > 0, values.reshape(pixels.shape[:2]), 15).astype(np.uint8)
        alone = Image.fromarray(values, "P")
        alone.putpalette(told.tobytes().ljust(48, b"\0"))
        alone.save(file, "GIF", interlace=left % 2, optimize=False)
        written = file.getvalue()
        colors = written[13 : 13 + (3 << (written[10] & 7) + 1)]
        at = written.index(b",", 13 + len(colors)) + 9
        flags = written[at] & 0x40 | 0x80 | written[10] & 7
        content += b"!\xf9\x04" + bytes((GIF_CODES[disposal] << 2 | 1, 7, 0, 15, 0))
        content += b"," + struct.pack("<4HB", left, top, *picture.size, flags) + colors + written[at + 1 : -1]
    return content + b";"


def apng(given: list[Frame], *, still: Image.Image | None = None) -> bytes:
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *SIZE, 8, 6, 0, 0, 0))
    content += chunk(b"acTL", struct.pack(">II", len(given), 0))
    number = 0
    first = [] if still is None else [Frame(still, 0, 0, KEPT, is_blended=False)]
    for place, (picture, left, top, disposal, is_blended) in enumerate(first + given):
        rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in np.asarray(picture)))
        if still is None or place:
            told = struct.pack(">5IHHBB", number, *picture.size, left, top, 7, 100, PNG_CODES[disposal], is_blended)
            content, number = content + chunk(b"fcTL", told), number + 1
        if place == 0:
            content += chunk(b"IDAT", rows)
            continue
        for part in (rows[:20], rows[20:]):
            content, number = content + chunk(b"fdAT", struct.pack(">I", number) + part), number + 1
    return content + chunk(b"IEND", b"")


def source(tmp_path: Path, content: bytes) -> Source:
    path = tmp_path / "picture"
    path.write_bytes(content)
    return Source("spec.clips[0].image.uri", "volume://media/x", path)


def over_black(image: Image.Image) -> Pixels:
    below = Image.new("RGBA", image.size, "black")
    below.alpha_composite(image.convert("RGBA"))
    return np.asarray(below.convert("RGB"))


def shown(found: Source) -> list[Pixels]:
    animation = Animation(found)
    try:
        return [over_black(animation.frame(number)) for number in range(animation.frames)]
    finally:
        animation.close()


@pytest.mark.parametrize("seed", range(40))
def test_a_gif_is_put_together_as_browsers_do(tmp_path: Path, seed: int) -> None:
    given = frames(seed, is_gif=True)
    given[0] = given[0]._replace(picture=given[0].picture.crop((0, 0, *SIZE)), left=0, top=0)
    found = source(tmp_path, gif(given))
    expected = composed(given)
    assert inspect_picture(found).has_alpha
    assert np.abs(np.array(shown(found), int) - np.array(expected, int)).max() <= 1
    assert np.abs(over_black(load_image(found, SIZE)).astype(int) - expected[0]).max() <= 1


@pytest.mark.parametrize("seed", range(40))
def test_a_png_is_put_together_as_browsers_do(tmp_path: Path, seed: int) -> None:
    given = frames(seed, is_gif=False)
    given[0] = Frame(piece(Random(seed)).resize(SIZE, Image.Resampling.NEAREST), 0, 0, *given[0][3:])  # noqa: S311 - not a secret
    found = source(tmp_path, apng(given))
    expected = composed(given)
    assert np.array_equal(shown(found), expected)
    assert np.array_equal(over_black(load_image(found, SIZE)), expected[0])


@pytest.mark.parametrize("count", [1, 3])
def test_a_still_picture_for_other_programs_is_no_frame(tmp_path: Path, count: int) -> None:
    given = frames(3, is_gif=False)[:count]
    found = source(tmp_path, apng(given, still=Image.new("RGBA", SIZE, "red")))
    assert len(inspect_picture(found).frame_times_s) == (count if count > 1 else 0)
    assert np.array_equal(over_black(load_image(found, SIZE)), composed(given)[0])
    assert np.array_equal(shown(found), composed(given))


def test_frames_can_be_asked_for_in_any_order(tmp_path: Path) -> None:
    given = frames(5, is_gif=False)
    animation = Animation(source(tmp_path, apng(given)))
    expected = composed(given)
    for number in (len(given) - 1, 0, 1, 1, 0, len(given) - 1):
        assert np.array_equal(over_black(animation.frame(number)), expected[number])
    animation.close()


def test_what_a_gif_of_one_frame_does_not_cover_can_be_seen_through(tmp_path: Path) -> None:
    """Pillow would fill it with the first colour."""
    opaque = Image.new("RGBA", (10, 10), "#336699")
    content = gif([Frame(opaque, 5, 5, KEPT, is_blended=True)]).replace(b"!\xf9\x04\x05", b"!\xf9\x04\x04")
    image = load_image(source(tmp_path, content), SIZE)
    assert image.size == SIZE
    assert [image.getpixel(place) for place in ((2, 2), (7, 7))] == [(0, 0, 0, 0), (0x33, 0x66, 0x99, 255)]


def test_an_animation_that_leaves_nothing_out_is_opaque(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", SIZE, color) for color in ("red", "green")]
    file = BytesIO()
    pictures[0].save(file, "PNG", save_all=True, append_images=pictures[1:], duration=100)
    found = source(tmp_path, file.getvalue())
    assert not inspect_picture(found).has_alpha
    animation = Animation(found)
    assert [animation.frame(number).mode for number in (0, 1)] == ["RGB", "RGB"]
    animation.close()


def test_frames_that_are_numbered_wrongly_or_missing_do_no_harm(tmp_path: Path) -> None:
    given = frames(9, is_gif=False)
    content = apng(given)
    at = content.index(b"fcTL") + 4
    odd = content[:at] + b"\0\0\0\x63" + content[at + 4 :]
    assert np.array_equal(shown(source(tmp_path, odd)), composed(given))
    lone = chunk(b"fcTL", struct.pack(">5IHHBB", 99, *SIZE, 0, 0, 7, 100, 0, 0))
    assert np.array_equal(shown(source(tmp_path, content[:-12] + lone + content[-12:])), composed(given))


def test_a_frame_that_says_that_it_is_huge_is_refused(tmp_path: Path) -> None:
    given = frames(2, is_gif=True)[:2]
    given[0] = given[0]._replace(picture=given[0].picture.crop((0, 0, *SIZE)), left=0, top=0)
    content = gif(given)
    at = content.rindex(b"," + struct.pack("<4H", given[1].left, given[1].top, *given[1].picture.size))
    huge = content[: at + 5] + struct.pack("<HH", 65_535, 65_535) + content[at + 9 :]
    animation = Animation(source(tmp_path, huge))
    with pytest.raises(PermanentError, match="a frame has 65535x65535 pixels"):
        animation.frame(1)
    animation.close()
