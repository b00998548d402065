from __future__ import annotations

import pytest

from videojob_cli.exits import HELP, Exit, of_reason
from videojob_contract.errors import FAILURE_CLASS, Reason


@pytest.mark.parametrize("reason", list(FAILURE_CLASS))
def test_every_failure_has_a_code_that_is_not_success(reason: Reason) -> None:
    assert of_reason(reason) is not Exit.OK


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.INVALID_SPEC, 3),
        (Reason.NOT_SUPPORTED, 3),
        (Reason.RENDER_FAILED, 3),
        (Reason.SOURCE_NOT_FOUND, 4),
        (Reason.INVALID_MEDIA, 4),
        (Reason.DISK_FULL, 5),
        (Reason.DEADLINE_EXCEEDED, 6),
        (Reason.OUT_OF_MEMORY, 7),
        (Reason.WORKER_LOST, 1),
        (Reason.CANCELLED, 130),
    ],
)
def test_codes_are_promised(reason: Reason, code: int) -> None:
    assert of_reason(reason) == code


def test_every_code_is_explained() -> None:
    assert set(HELP) == set(Exit)
