"""Media for tests: real photographs, music and video from installed packages, and files made on the spot.

What is costly to make is kept in the cache folder, outside the repository.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from hack import media

clip = media.clip
music = media.music
photograph = media.photograph


def cache_folder() -> Path:
    """Where prepared media is kept."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "videojob"
    folder = Path(os.environ.get("VIDEOJOB_CACHE") or default) / "media"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def photographs(width: int, height: int) -> list[Path]:
    """JPEG files of the demo's photographs, cropped to a size."""
    return [_prepared(name, width, height) for name in media.PHOTOGRAPHS]


def _prepared(name: str, width: int, height: int) -> Path:
    path = cache_folder() / f"{Path(name).stem}-{width}x{height}.jpg"
    if not path.exists():
        with Image.open(media.photograph(name)) as image:
            scale = max(width / image.width, height / image.height)
            size = (round(image.width * scale), round(image.height * scale))
            whole = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        # Written beside and renamed, so that tests that run side by side never read a part of it.
        partial = path.with_name(f"{path.stem}.{os.getpid()}.jpg")
        whole.crop((0, 0, width, height)).save(partial, quality=92)
        partial.replace(path)
    return path


def stripes(path: Path, bits: Iterable[bool], size: tuple[int, int] = (160, 90)) -> Path:
    """A picture of white (set) and black vertical stripes, most significant bit first."""
    row = list(bits)
    image = Image.new("L", (len(row), 1))
    image.putdata([255 if bit else 0 for bit in row])
    image.resize(size, Image.Resampling.NEAREST).save(path)
    return path
