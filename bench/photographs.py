"""Ten photographs for the benchmark, 2560x1440, made from those that scikit-image brings and kept in the cache."""

import os
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

_NAMES = (
    "astronaut.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "retina.jpg",
    "rocket.jpg",
)
_SIZE = (2560, 1440)


def photographs(count: int) -> list[Path]:
    """Return the files of `count` photographs; beyond ten they repeat."""
    found = find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("scikit-image is not installed: run `make venv`")
    data = Path(found.submodule_search_locations[0]) / "data"
    cache = Path(os.environ.get("VIDEOJOB_CACHE") or Path.home() / ".cache" / "videojob") / "media"
    cache.mkdir(parents=True, exist_ok=True)
    return [_prepared(data / _NAMES[index % len(_NAMES)], cache) for index in range(count)]


def _prepared(source: Path, cache: Path) -> Path:
    path = cache / f"bench-{source.stem}.jpg"
    if not path.exists():
        with Image.open(source) as image:
            scale = max(_SIZE[0] / image.width, _SIZE[1] / image.height)
            size = (round(image.width * scale), round(image.height * scale))
            whole = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        left, top = (size[0] - _SIZE[0]) // 2, (size[1] - _SIZE[1]) // 2
        whole.crop((left, top, left + _SIZE[0], top + _SIZE[1])).save(path, quality=92)
    return path
