"""Checks sheets of thumbnails: the sheet decodes, and the WebVTT file covers the timeline with parts of it."""

import re
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote

from videojob_worker.verify.failure import mismatch
from videojob_worker.verify.pictures import verify_picture

_CUE = re.compile(r"(\d+):(\d\d):(\d\d\.\d{3}) --> (\d+):(\d\d):(\d\d\.\d{3})\n(.+)#xywh=(\d+),(\d+),(\d+),(\d+)\n")


def verify_sprite(
    sheet: Path, vtt: Path, size: tuple[int, int], thumbnail: tuple[int, int], length_s: Fraction
) -> None:
    """Check a sheet of `size` pixels and the file beside it.

    Raises:
        PermanentError: they are not what was planned; reason `VerificationFailed`.
    """
    verify_picture(sheet, *size)
    at = Fraction(0)
    for cue in _CUE.finditer(vtt.read_text()):
        start, end = _seconds(*cue.group(1, 2, 3)), _seconds(*cue.group(4, 5, 6))
        left, top, width, height = (int(number) for number in cue.group(8, 9, 10, 11))
        if start != at or unquote(cue.group(7)) != sheet.name:
            raise mismatch(f"{vtt.name} goes on at {float(start):.3f}s of {cue.group(7)} after {float(at):.3f}s")
        if (width, height) != thumbnail or left + width > size[0] or top + height > size[1]:
            raise mismatch(f"{vtt.name} names a part that is not in the sheet: {cue.group(0).splitlines()[-1]}")
        at = end
    if at != Fraction(round(length_s * 1000), 1000):
        raise mismatch(f"{vtt.name} ends at {float(at):.3f}s instead of {float(length_s):.3f}s")


def _seconds(hours: str, minutes: str, seconds: str) -> Fraction:
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
