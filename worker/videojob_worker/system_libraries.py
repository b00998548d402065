"""Loads the system's libraries, and says which Debian package is missing when one is not there."""

import ctypes
import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from videojob_contract.errors import PermanentError, Reason

Signature = tuple[Any, ...]
"""The type of a function's result, and those of its arguments."""


def load_library(
    soname: str, package: str, functions: Mapping[str, Signature], use: str = "text cannot be drawn"
) -> Any:
    """Open a shared library and return a namespace of the functions named.

    Args:
        soname: its name for the linker.
        package: the Debian package that it is in.
        functions: that are wanted of it.
        use: what cannot be done without it.

    Raises:
        PermanentError: it is not installed, or too old to have one of the functions.
    """
    try:
        library = ctypes.CDLL(soname)
        bound = {}
        for name, (result, *arguments) in functions.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
            bound[name] = function
    except (OSError, AttributeError) as error:
        raise PermanentError(
            f"{use} here: {soname} is missing or too old ({error}); "
            f"install it: apt-get install --no-install-recommends {package}",
            Reason.NOT_SUPPORTED,
        ) from error
    return SimpleNamespace(**bound)


def path_bytes(path: os.PathLike[str]) -> bytes:
    """Return a path as C takes it."""
    return os.fsencode(path)
