"""Checks pictures: that they decode and have the size that was planned."""

from pathlib import Path

from PIL import Image

from videojob_worker.verify.failure import mismatch


def verify_picture(path: Path, width: int, height: int) -> None:
    """Check a poster or a sheet of thumbnails.

    Raises:
        PermanentError: it does not decode, or has another size; reason `VerificationFailed`.
    """
    try:
        with Image.open(path) as image:
            image.load()
            size = image.size
    except (OSError, SyntaxError) as error:
        raise mismatch(f"it cannot be read back: {error}") from error
    if size != (width, height):
        raise mismatch(f"it has {size[0]}x{size[1]} pixels instead of {width}x{height}")
