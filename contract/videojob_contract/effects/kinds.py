"""What an argument of an effect can be: how it is checked, called, and handed to MoviePy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from videojob_contract.resources.base import COLOR_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 255
_TOO_LARGE = 1e12  # nothing of a picture or a film is, and arithmetic with more may overflow


@dataclass(frozen=True)
class ArgumentKind:
    """One kind of value."""

    words: str
    """Such as "a number above 0"."""
    fits: Callable[[object], bool]
    convert: Callable[[Any], object] = lambda value: value
    """From a value that fits to what MoviePy wants."""

    def __or__(self, other: ArgumentKind) -> ArgumentKind:
        """Return the kind that is either."""
        return ArgumentKind(
            f"{self.words}, or {other.words}",
            lambda value: self.fits(value) or other.fits(value),
            lambda value: (self if self.fits(value) else other).convert(value),
        )


def number(low: float | None = None, high: float | None = None, above: float | None = None) -> ArgumentKind:
    """A number, within bounds; `above` is no part of them."""

    def fits(value: object) -> bool:
        return (
            _is_number(value)
            and (low is None or value >= low)
            and (high is None or value <= high)
            and (above is None or value > above)
        )

    return ArgumentKind(f"a number{_bounds(low, high, above)}", fits)


def integer(low: int | None = None, high: int | None = None) -> ArgumentKind:
    """A whole number, within bounds; 2.0 is one, because JSON knows no difference."""
    inner = number(low, high)
    words = f"an integer{_bounds(low, high, None)}"
    return ArgumentKind(words, lambda value: inner.fits(value) and float(value).is_integer(), int)  # type: ignore[arg-type]


def numbers(count: int, what: str, low: float | None = None) -> ArgumentKind:
    """A list of so many numbers."""
    inner = number(low)

    def fits(value: object) -> bool:
        return isinstance(value, list) and len(value) == count and all(map(inner.fits, value))

    return ArgumentKind(f"a list of {count} numbers, {what}", fits, tuple)


def path() -> ArgumentKind:
    """A way through numbers."""
    inner = number()

    def fits(value: object) -> bool:
        return isinstance(value, list) and len(value) > 1 and all(map(inner.fits, value))

    return ArgumentKind("a list of at least 2 numbers, at even times over the clip", fits, tuple)


def choice(*words: str) -> ArgumentKind:
    """One of some words."""
    *most, last = (f'"{word}"' for word in words)
    return ArgumentKind(f"{', '.join(most)} or {last}" if most else last, lambda value: value in words)


def _color(value: object) -> object:
    if isinstance(value, str):
        return tuple(bytes.fromhex(value[1:]))
    assert isinstance(value, list)  # noqa: S101 - it fits
    return tuple(round(part) for part in value)


BOOLEAN = ArgumentKind("true or false", lambda value: isinstance(value, bool))
COLOR = ArgumentKind(
    '"#rrggbb" or a list of 3 numbers from 0 to 255',
    lambda value: (
        (isinstance(value, str) and re.fullmatch(COLOR_PATTERN, value) is not None)
        or (isinstance(value, list) and len(value) == len("rgb") and all(map(number(0, _MOST).fits, value)))
    ),
    _color,
)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _TOO_LARGE


def _bounds(low: float | None, high: float | None, above: float | None) -> str:
    if above is not None:
        return f" above {above:g}" + (f" and up to {high:g}" if high is not None else "")
    if low is None:
        return ""
    return f" from {low:g}" + (f" to {high:g}" if high is not None else "")
