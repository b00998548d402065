"""What a single source is, and what a VideoJob that names it would be refused with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from videojob_contract.errors import PermanentError
from videojob_contract.inspection import ProbeReport
from videojob_worker.media.files.sniff import describe_kind, file_kind
from videojob_worker.media.files.source import Source
from videojob_worker.media.probe import probe_picture, probe_sound, probe_video
from videojob_worker.text.reading import read_cues
from videojob_worker.unforeseen import naming_failures

if TYPE_CHECKING:
    from collections.abc import Callable

    from videojob_worker.media.probe import ProbedSource
    from videojob_worker.request import RenderRequest

_PICTURES: Final = frozenset(("JPEG", "PNG", "WebP", "AVIF", "HEIC", "HEIF", "JPEG XL", "GIF", "TIFF", "BMP"))
_NO_MEDIA: Final = frozenset(
    ("PSD", "camera raw", "PDF", "ZIP", "gzip", "HTML", "SVG", "DASH manifest", "XML", "playlist", "empty")
)
_FONTS: Final = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf")
_LONGEST: Final = 2000


def report_source(request: RenderRequest) -> ProbeReport:
    """Look at the first source of a request in every way in which a spec may use it."""
    uri, path = next(iter(request.sources.items()))
    source = Source("uri", uri, path, request.warnings)
    size = path.stat().st_size
    if _is_font(source):
        return ProbeReport(file_kind="font", usable_as=["font"], size_bytes=size)
    kind = file_kind(path)
    if kind == "text":
        return _subtitles(source, size)
    found: dict[str, ProbedSource] = {}
    problems: list[str] = []
    for use, probe in _ways(kind).items():
        try:
            with naming_failures(source.name):
                found[use] = probe(source)
        except PermanentError as error:
            problems.append(error.message.removeprefix(f"{source.name} ")[:_LONGEST])
    if not found and kind in _NO_MEDIA:
        problems = [f"is {describe_kind(kind)}, which is no picture, video or sound that is read here"]
    seen = found.get("image") or found.get("video") or found.get("audio")
    return ProbeReport(
        file_kind=kind,
        usable_as=[use for use in ("image", "video", "audio") if use in found],
        problems=[] if found else problems,
        warnings=list(request.warnings.said)[:16],
        size_bytes=size,
        width=seen.width if seen else None,
        height=seen.height if seen else None,
        duration_s=None if seen is None or seen.duration_s is None else float(seen.duration_s),
        fps=None if seen is None or seen.fps is None else float(seen.fps),
        has_alpha=any(each.has_alpha for each in found.values()),
        has_sound=any(each.has_sound for each in found.values()),
    )


def _ways(kind: str) -> dict[str, Callable[[Source], ProbedSource]]:
    """Return in which ways a file of a kind may be used."""
    if kind in _PICTURES:
        return {"image": probe_picture}
    return {"video": probe_video, "audio": probe_sound} if kind not in _NO_MEDIA else {"image": probe_picture}


def _subtitles(source: Source, size: int) -> ProbeReport:
    try:
        form, _, cues = read_cues(source, None)
    except PermanentError as error:
        problem = error.message.removeprefix(f"{source.name} ")[:_LONGEST]
        return ProbeReport(file_kind="text", problems=[problem], size_bytes=size)
    end_s = max((cue.end_ms for cue in cues), default=0) / 1000
    return ProbeReport(file_kind=form.value, usable_as=["subtitles"], size_bytes=size, duration_s=end_s)


def _is_font(source: Source) -> bool:
    with source.path.open("rb") as file:
        return file.read(4) in _FONTS
