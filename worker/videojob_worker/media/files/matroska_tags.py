"""What Matroska's writers say of a stream in tags."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

_DURATION: Final = re.compile(r"(\d{1,6}):(\d\d):(\d\d(?:\.\d{1,9})?)", re.ASCII)


def tagged_s(tags: Mapping[str, str]) -> Fraction | None:
    """Return how many seconds a stream lasts by its tag, as `00:01:02.500000000`; None without one that can be read."""
    found = _DURATION.fullmatch(tags.get("DURATION", ""))
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
