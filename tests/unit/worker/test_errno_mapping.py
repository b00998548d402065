from __future__ import annotations

import errno
import os

import pytest

from videojob_contract.errors import Reason
from videojob_worker import errno_mapping


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOENT, Reason.SOURCE_NOT_FOUND),
        (errno.ENOTDIR, Reason.SOURCE_NOT_FOUND),
        (errno.EACCES, Reason.SOURCE_FORBIDDEN),
        (errno.ELOOP, Reason.SOURCE_FORBIDDEN),
        (errno.ENOSPC, Reason.DISK_FULL),
        (errno.EIO, Reason.STORAGE_UNAVAILABLE),
        (errno.ESTALE, Reason.STORAGE_UNAVAILABLE),
    ],
)
def test_sources(number: int, reason: Reason) -> None:
    error = errno_mapping.of_source(OSError(number, os.strerror(number)), "field: uri")
    assert error.reason is reason
    assert error.message.startswith("field: uri: ")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EROFS, Reason.OUTPUT_FORBIDDEN),
        (errno.EISDIR, Reason.OUTPUT_FORBIDDEN),
        (errno.EDQUOT, Reason.DISK_FULL),
        (errno.EIO, Reason.STORAGE_UNAVAILABLE),
    ],
)
def test_outputs(number: int, reason: Reason) -> None:
    assert errno_mapping.of_output(OSError(number, os.strerror(number)), "field: uri").reason is reason


def test_finds_the_cause_behind_other_errors() -> None:
    outer = RuntimeError("cannot encode")
    outer.__cause__ = ValueError("no frame")
    outer.__cause__.__context__ = MemoryError()
    error = errno_mapping.local(outer, "rendering")
    assert error is not None
    assert error.reason is Reason.OUT_OF_MEMORY
    assert errno_mapping.local(RuntimeError("something else"), "rendering") is None
