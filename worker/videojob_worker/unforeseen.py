"""Failures that nobody foresaw, made to say where they happened: a library's, or a mistake of our own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from videojob_contract.errors import PermanentError, Reason, VideoJobError

T = TypeVar("T")


@contextmanager
def naming_failures(place: str) -> Iterator[None]:
    """Turn what nobody foresaw into an error that names a place, such as `spec.clips[2].video.uri: volume://media/x`.

    Raises:
        PermanentError: in place of anything but failures that say what they are: those of users, memory and disks.
    """
    try:
        yield
    except (VideoJobError, MemoryError, OSError):
        raise
    except Exception as error:
        raise PermanentError(f"{place} failed: {type(error).__name__}: {error}", Reason.RENDER_FAILED) from error


def named_failures(place: str, begin: Callable[[int, int], Iterator[T]]) -> Callable[[int, int], Iterator[T]]:
    """Return what begins to read a thing's frames, `(first, count)`, as `begin` does, and names its failures."""

    def named(first: int, count: int) -> Iterator[T]:
        with naming_failures(place):
            yield from begin(first, count)

    return named
