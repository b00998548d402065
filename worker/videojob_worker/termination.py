"""The termination message: a worker's last word, which the kubelet copies into the pod's status.

It carries the result past every other failure: Redis gone, the event lost, the operator restarted.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from videojob_contract.assignment import Result

log = logging.getLogger("videojob.termination")

MAX_BYTES = 4096
"""What the kubelet reads of it."""

_LONGEST_MESSAGE = 1024
"""In bytes, as it is written in JSON."""


def write(path: Path, result: Result) -> None:
    """Write a result.

    A file that cannot be written is logged, since the result went through the queue as well.
    """
    _write(path, encode_result(result))


def write_words(path: Path, words: str) -> None:
    """Write why this worker never came to have an attempt, for the pool to tell."""
    _write(path, words.encode()[:MAX_BYTES])


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        log.warning("cannot write the termination message to %s: %s", path, error.strerror)


def encode_result(result: Result) -> bytes:
    """Write a result as JSON of at most `MAX_BYTES`.

    URLs are left out, for signed ones are secrets that a pod's status need not have. Of what is too long, first the log
    is left out, then the message is shortened, then warnings are left out, then outputs.
    """
    result = result.model_copy(
        update={"outputs": [output.model_copy(update={"url": None}) for output in result.outputs]}
    )
    encoded = _encode(result)
    if len(encoded) > MAX_BYTES:
        encoded = _encode(result := result.model_copy(update={"log": ""}))
    if len(encoded) > MAX_BYTES:
        result = result.model_copy(update={"message": _shorten(result.message)})
        encoded = _encode(result)
    while len(encoded) > MAX_BYTES and result.warnings:
        result = result.model_copy(update={"warnings": result.warnings[: len(result.warnings) // 2]})
        encoded = _encode(result)
    total, message = len(result.outputs), result.message
    while len(encoded) > MAX_BYTES:
        kept = result.outputs[: len(result.outputs) // 2]
        left_out = message or f"{total - len(kept)} more outputs"
        result = result.model_copy(update={"outputs": kept, "message": left_out})
        encoded = _encode(result)
    return encoded


def _encode(result: Result) -> bytes:
    return json.dumps(result.to_dict(), separators=(",", ":"), ensure_ascii=False).encode()


def _shorten(message: str) -> str:
    """Cut a message, measured as it is written: JSON makes six bytes of a control character."""
    length = 0
    for index, character in enumerate(message):
        length += len(json.dumps(character, ensure_ascii=False).encode()) - len('""')
        if length > _LONGEST_MESSAGE:
            return f"{message[:index]}…"
    return message
