"""What is wrong with pictures, in words that name the source."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from videojob_contract.errors import PermanentError, Reason, VideoJobError
from videojob_worker.media.files.source import Source

MAX_REDUCED_PIXELS: Final = 400_000_000
"""Largest picture that is made smaller as it is decoded."""


@contextmanager
def source_errors(source: Source, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises on broken files into an error that names the source."""
    try:
        yield
    except (VideoJobError, MemoryError):
        raise
    except Exception as error:
        raise source.error(f"is a damaged {kind}: {error}") from error


def too_large(source: Source, size: tuple[int, int], most: int) -> PermanentError:
    """Return the error of a picture of more than so many pixels."""
    return source.error(
        f"has {size[0]}x{size[1]} pixels; at most {most // 1_000_000} megapixels are allowed", Reason.SOURCE_TOO_LARGE
    )
