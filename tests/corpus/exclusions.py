"""What is not counted: what nobody plays without a key, codecs that are not claimed, and what was broken on purpose.

A rule where there is one; else the file by its name, with the reason.
"""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatch
from functools import cache
from typing import TYPE_CHECKING, Final

from av.codec import Codec

from videojob_worker.media.files.decoders import PICTURES, SOUND
from videojob_worker.media.pictures.tiff import COMPRESSIONS
from videojob_worker.media.pictures.tiff_layout import COMPRESSION, BrokenTiffError, read_tiff_layout

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PROTECTED: Final = re.compile(rb"sinf.{4}frma|\x50\x35.{1,8}\x50\x31", re.DOTALL)
"""A sample entry that is protected (ISO/IEC 14496-12, 8.12), and an encoding of Matroska that encrypts."""
_MADE_TO_BREAK: Final = "broken on purpose, to test a reader"
_NO_WHITE: Final = "numbers of which nothing tells what is white"
_CUT: Final = "cut off by who made it a test"
NAMED: Final[Mapping[str, str]] = {
    "__ImageTestSuite__*": "of a suite of malformed pictures",
    "__PngSuite__x*.png": _MADE_TO_BREAK,
    "bmp__b__*": _MADE_TO_BREAK,
    "bmpsuite__b__*": _MADE_TO_BREAK,
    "images__crash*": _MADE_TO_BREAK,
    "images__*overflow*": _MADE_TO_BREAK,
    "images__l2rgb_read.bmp": _MADE_TO_BREAK,
    "images__apng__chunk_repeat_fctl.png": _MADE_TO_BREAK,
    "tests__corrupt__*": _MADE_TO_BREAK,
    "images__ultrahdr.jpg": "its coded picture was taken out by who made it a test",
    "images__16_bit_binary_pgm.tiff": _NO_WHITE,
    "images__16bit.s.tif": _NO_WHITE,
    "images__10ct_32bit_128.tiff": _NO_WHITE,
    "data__alpha_noispe.avif": _MADE_TO_BREAK,
    "data__clap_irot_imir_non_essential.avif": _MADE_TO_BREAK,
    "avif__blue-and-magenta-crop.avif": "cropped by its clean aperture, which libavif leaves out",
    "tests__no_timescale.mp4": _MADE_TO_BREAK,
    "tests__opus_audioinit_two_desc.mp4": _MADE_TO_BREAK,
    "mp4__sample_eac3.mp4": "its time stamps are six times as far apart as its sound is long",
    "mp4__sample_eac3_fragmented.mp4": "its time stamps are six times as far apart as its sound is long",
    "samples__outofbounds.mp3": _MADE_TO_BREAK,
    "ogg__issue_70.ogg": _CUT,
    "data__duplicate_tags.wav": "1,000 samples a second, of which browsers play no less than 3,000",
    "data__pcm_with_fact_chunk.wav": "1,000 samples a second, of which browsers play no less than 3,000",
    "data__empty.wav": "1,000 samples a second, of which browsers play no less than 3,000",
    "integration__arrows.vtt": "without a cue, as its own test says",
    "cue-times__max-spots-over-sixty.vtt": "without a cue, as its own test says",
}
"""By the end of a file's path, with wildcards."""
_CUT_SHORT: Final = 0.8
"""What has a smaller share of what it says that it lasts was cut off."""


def exclusion_of(path: Path, kind: str) -> str:
    """Return why a file is not counted; nothing where it is."""
    if reason := next((reason for name, reason in NAMED.items() if fnmatch(str(path), f"*{name}")), ""):
        return reason
    if kind == "picture":
        return _of_tiff(path)
    if kind == "subtitles":
        return ""
    if _PROTECTED.search(path.read_bytes()):
        return "encrypted"
    codec = _codec(path, "v" if kind == "video" else "a")
    return f"{codec}, which is not claimed" if codec and codec not in _claimed() else ""


def is_cut_short(path: Path) -> bool:
    """Tell whether ffmpeg, too, finds much less of a sound than its header promises."""
    command = ["ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries", "stream=duration:format=duration"]
    told = subprocess.run([*command, "-of", "csv=p=0", str(path)], capture_output=True, check=False, timeout=60).stdout
    claims = [float(word) for word in re.findall(rb"\d+\.\d+", told)]
    decode = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a:0", "-ac", "1", "-ar", "8000", "-f", "s16le", "-"]
    data = subprocess.run(decode, capture_output=True, check=False, timeout=60).stdout
    return bool(claims) and len(data) / 16_000 < _CUT_SHORT * max(claims)


def _of_tiff(path: Path) -> str:
    if path.suffix.lower() not in {".tif", ".tiff"}:
        return ""
    try:
        with path.open("rb") as file:
            compression = read_tiff_layout(file).one(COMPRESSION, 1)
    except BrokenTiffError:
        return ""
    return "" if compression in COMPRESSIONS else f"TIFF of compression {compression}, which is not claimed"


def _codec(path: Path, stream: str) -> str:
    command = ["ffprobe", "-v", "error", "-select_streams", f"{stream}:0", "-show_entries", "stream=codec_name"]
    done = subprocess.run([*command, "-of", "csv=p=0", str(path)], capture_output=True, check=False, timeout=60)
    return done.stdout.decode().strip().split("\n")[0].strip(",")


@cache
def _claimed() -> frozenset[str]:
    sounds = (Codec(name, "r").canonical_name for name in SOUND)
    return frozenset(PICTURES) | frozenset(sounds) | {"msmpeg4v3", "flv1"}
