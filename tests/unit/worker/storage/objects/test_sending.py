from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from videojob_worker.storage.objects.sending import PART_BYTES, part_length

MOST_PARTS, LEAST_BYTES, MOST_BYTES = 10_000, 5 << 20, 5 << 30
"""What S3 takes: parts, and bytes of each but the last."""


@given(st.integers(0, 5 << 40))
@example(0)
@example(PART_BYTES - 1)
@example(PART_BYTES)
@example(2 * PART_BYTES - 1)
@example(MOST_PARTS * PART_BYTES)
@example(5 << 40)
def test_parts_are_such_as_s3_takes_and_leave_a_few_bytes(size: int) -> None:
    length = part_length(size)
    parts, left = divmod(size, length)
    assert parts + bool(left) <= MOST_PARTS
    assert left < max(1, parts)
    assert length <= MOST_BYTES
    if parts + bool(left) > 1:
        assert length >= LEAST_BYTES
