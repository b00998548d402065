"""Assignments as Redis has them: compressed JSON, as text, because everything there is text."""

import base64
import zlib

from videojob_contract.assignment import Assignment

MAX_BYTES = 4 * 1024**2
"""Longest JSON of an assignment: many times what a spec may have."""


def pack(assignment: Assignment) -> str:
    """Write an assignment."""
    text = assignment.model_dump_json(by_alias=True, exclude_none=True)
    return base64.b85encode(zlib.compress(text.encode(), level=1)).decode()


def unpack(text: str) -> Assignment:
    """Read an assignment.

    Raises:
        ValueError: it is none, or longer than `MAX_BYTES`.
    """
    try:
        inflate = zlib.decompressobj()
        said = inflate.decompress(base64.b85decode(text), MAX_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflate.eof:
        raise ValueError("it is longer than an assignment may be, or cut short")
    return Assignment.model_validate_json(said)
