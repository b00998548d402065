"""JPEGs: of posters and of sheets of thumbnails."""

from pathlib import Path
from typing import Final

from PIL import Image

_QUALITY: Final = 90


def save_jpeg(image: Image.Image, path: Path) -> None:
    """Write a JPEG."""
    # 4:4:4, because the picture's chroma has been halved once already.
    image.save(path, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
