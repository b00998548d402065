"""Further files of an output, such as the segments that a playlist names: what they are called.

The renderer, which is not trusted, names them for their main file by these rules, and the supervisor publishes no
others: so it cannot reach a file beside the output that is not the output's.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from videojob_contract.resources.outputs import Output

_DIGITS = 12
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LONGEST_SLUG = 100
_BESIDE = (".vtt",)
_INSIDE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.(m3u8|m4s|mp4|vtt)")
_LEFT = re.compile(rf"{_INSIDE.pattern}|\.[0-9a-f]+-[0-9]+\.part")


def published_name(output: Output) -> str:
    """Return the name of an output's main file where it is published."""
    name = PurePosixPath(unquote(output.uri or "")).name
    return name or f"{output.name}.{output.format.extension}"


def beside(name: str, extension: str) -> str:
    """Return the name of a further file beside a main file: `a.vtt` beside `a.jpg`; `extension` without the dot."""
    return f"{_stem(name)}.{extension}"


def folder_beside(name: str, digest: str) -> str:
    """Return the name of a folder of further files: a new one for a new digest (hex) of what is in it.

    So a main file that is published last always has all of its files, and never those of another.
    """
    return f"{_slug(_stem(name))}-{digest[:_DIGITS]}"


def is_companion(name: str, parts: Sequence[str]) -> bool:
    """Tell whether a path, seen from the folder of a main file, is one of its further files."""
    match parts:
        case [file]:
            return any(file == _stem(name) + extension for extension in _BESIDE)
        case [folder, file]:
            return is_folder_of(name, folder) and _INSIDE.fullmatch(file) is not None
        case _:
            return False


def is_folder_of(name: str, folder: str) -> bool:
    """Tell whether a folder is, or once was, one of a main file's."""
    return re.fullmatch(rf"{re.escape(_slug(_stem(name)))}-[0-9a-f]{{{_DIGITS}}}", folder) is not None


def folders_begin(name: str) -> str:
    """Return what the names of all folders of a main file begin with."""
    return f"{_slug(_stem(name))}-"


def is_left(file: str) -> bool:
    """Tell whether a file in such a folder is one that was published there, or was to be."""
    return _LEFT.fullmatch(file) is not None


def _slug(stem: str) -> str:
    """Make a name that needs no escapes in a playlist; still another one for another stem."""
    if _PLAIN.fullmatch(stem):
        return stem
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", stem)[:_LONGEST_SLUG]
    return f"{plain}-{hashlib.sha256(stem.encode()).hexdigest()[:_DIGITS]}"


def _stem(name: str) -> str:
    return PurePosixPath(name).stem if PurePosixPath(name).suffix else name
