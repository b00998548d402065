"""What nobody foresaw says where it happened; what is known keeps its words."""

from collections.abc import Iterator

import pytest

from videojob_contract.errors import CancelledError, PermanentError, Reason
from videojob_worker.unforeseen import named_failures, naming_failures


def test_a_failure_names_its_place_and_its_cause():
    cause = ValueError("29 is not a valid Type")
    with pytest.raises(PermanentError) as caught, naming_failures("spec.clips[2].video.uri: volume://media/x.mp4"):
        raise cause
    said = "spec.clips[2].video.uri: volume://media/x.mp4 failed: ValueError: 29 is not a valid Type"
    assert (caught.value.message, caught.value.reason) == (said, Reason.RENDER_FAILED)
    assert caught.value.__cause__ is cause


@pytest.mark.parametrize("known", [PermanentError("x"), CancelledError("x"), MemoryError(), OSError(28, "full")])
def test_what_says_what_it_is_passes(known: Exception):
    with pytest.raises(type(known)) as caught, naming_failures("spec"):
        raise known
    assert caught.value is known


def test_frames_come_as_they_are_until_one_fails():
    def begin(first: int, count: int) -> Iterator[int]:
        yield from range(first, first + count)
        raise ZeroDivisionError

    frames = named_failures("spec.clips[0].title", begin)(3, 2)
    assert [next(frames), next(frames)] == [3, 4]
    with pytest.raises(PermanentError, match=r"^spec\.clips\[0\]\.title failed: ZeroDivisionError"):
        next(frames)
