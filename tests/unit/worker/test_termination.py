from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from videojob_contract.assignment import Result
from videojob_contract.errors import Reason
from videojob_contract.resources.status import OutputStatus
from videojob_worker import termination

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OUTPUTS = st.lists(
    st.builds(
        OutputStatus,
        name=st.text(max_size=63),
        uri=st.text(max_size=2048),
        bytes=st.integers(0, 2**50),
        sha256=st.just("0" * 64),
        url=st.none() | st.just("https://films/a.mp4?signature=secret"),
    ),
    max_size=64,
)


@given(st.text(max_size=5000), OUTPUTS, st.lists(st.text(max_size=500), max_size=20), st.text(max_size=4096))
def test_always_fits_and_is_always_a_result(
    message: str, outputs: list[OutputStatus], warnings: list[str], log: str
) -> None:
    result = Result(
        uid="uid",
        attempt=2,
        result="failed",
        reason=Reason.DISK_FULL,
        message=message,
        outputs=outputs,
        warnings=tuple(warnings),
        log=log,
    )
    encoded = termination.encode_result(result)
    assert len(encoded) <= termination.MAX_BYTES
    assert b"signature=secret" not in encoded
    read = Result.model_validate_json(encoded)
    assert (read.uid, read.attempt, read.result, read.reason) == ("uid", 2, "failed", Reason.DISK_FULL)


def test_fits_however_long_its_characters_become() -> None:
    for character in ("\x01", '"', "\N{GRINNING FACE}"):
        result = Result(uid="uid", attempt=1, result="failed", reason=Reason.INVALID_MEDIA, message=character * 5000)
        encoded = termination.encode_result(result)
        assert len(encoded) <= termination.MAX_BYTES
        assert Result.model_validate_json(encoded).message.startswith(character * 100)


def test_what_fits_is_whole(tmp_path: Path) -> None:
    result = Result(uid="uid", attempt=1, result="succeeded", message="fine", render_s=1.5)
    termination.write(tmp_path / "log", result)
    assert Result.model_validate_json((tmp_path / "log").read_bytes()) == result


def test_left_out_outputs_are_counted() -> None:
    outputs = [OutputStatus(name=f"o{index}", uri="u" * 400, bytes=1, sha256="0" * 64) for index in range(40)]
    read = Result.model_validate_json(
        termination.encode_result(Result(uid="uid", attempt=1, result="succeeded", outputs=outputs))
    )
    assert read.outputs == outputs[: len(read.outputs)]
    assert read.message == f"{40 - len(read.outputs)} more outputs"


def test_a_file_that_cannot_be_written_is_only_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        termination.write(tmp_path / "no" / "folder", Result(uid="uid", attempt=1, result="succeeded"))
    assert "cannot write the termination message" in caplog.text
