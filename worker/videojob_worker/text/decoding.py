"""Turns the bytes of a text file into text, and never into other text than was written without saying so."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from videojob_contract.resources.text import TextEncoding
from videojob_worker.text.guessing import codec, guess_encoding

if TYPE_CHECKING:
    from videojob_worker.media.files.source import Source

_MARKS: Final = {
    b"\xef\xbb\xbf": TextEncoding.UTF_8,
    b"\xff\xfe": TextEncoding.UTF_16LE,
    b"\xfe\xff": TextEncoding.UTF_16BE,
}
_BAD: Final = "\ufffd"
_GOOD_FOR_EACH_BAD: Final = 5
"""Characters beyond ASCII that a text is whole in, for each that is not, to be UTF-8."""
_MOST_CONTROLS: Final = 20
"""One character in so many; more is no text."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\ufffd]")
_SHOWN: Final = 4


def decode_text(source: Source, encoding: TextEncoding | None) -> str:
    r"""Read a text file, composed (NFC); lines end in `\n`.

    Raises:
        PermanentError: it is no text, or which encoding it is in is not certain.
    """
    data = source.path.read_bytes()
    encoding = encoding or _marked(data) or _encoding_of(source, data)
    text = data.decode(codec(encoding), "replace").replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    text = text.removeprefix("\ufeff").replace("\n\ufeff", "\n")  # where files were put together
    if len(_CONTROL.findall(text)) * _MOST_CONTROLS > len(text):
        raise source.error("is not text")
    text = text.replace("\0", _BAD)
    if (at := text.find(_BAD)) >= 0:
        line = text.count("\n", 0, at) + 1
        source.warn(f"has {text.count(_BAD)} characters that are not {encoding}, first in line {line}; {_BAD} is drawn")
    return unicodedata.normalize("NFC", text)  # fonts lack parts of letters


def _marked(data: bytes) -> TextEncoding | None:
    return next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), None)


def _encoding_of(source: Source, data: bytes) -> TextEncoding:
    if (wide := _wide(data)) is not None:
        return wide
    if _is_utf8(data):
        return TextEncoding.UTF_8
    guess = guess_encoding(data)
    if guess.certain:
        source.warn(f"is not UTF-8, and is read as {guess.candidates[0]} by its letters; `encoding` can say what it is")
        return guess.candidates[0]
    found = " or ".join(guess.candidates[:_SHOWN])
    what = f"it may be {found}" if found else "it looks like none that is known"
    raise source.error(
        f"is not UTF-8, and its encoding is not certain: {what}; say it in `encoding`, or save it as UTF-8"
    )


def _wide(data: bytes) -> TextEncoding | None:
    """Return which UTF-16 text without a mark is in: its ASCII has a zero beside each character, always on one side."""
    even, odd = data[::2].count(0), data[1::2].count(0)
    if len(data) > _MOST_CONTROLS * (even + odd) or min(even, odd) * _MOST_CONTROLS > max(even, odd):
        return None
    return TextEncoding.UTF_16LE if odd > even else TextEncoding.UTF_16BE


def _is_utf8(data: bytes) -> bool:
    """Whether text is UTF-8, but for a few characters at the most that were damaged."""
    try:
        data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
    else:
        return True
    bad = text.count(_BAD) - data.count(_BAD.encode())
    whole = sum(1 for character in text if not character.isascii()) - bad
    return bad * _GOOD_FOR_EACH_BAD <= whole
