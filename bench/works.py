"""What is rendered, as specs: one work for each row of the benchmark."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import media


@dataclass(frozen=True)
class Scale:
    """How large the works are."""

    size: tuple[int, int]
    photographs: int
    many: int
    still_s: float
    fade_s: float
    video_s: float
    long_s: float

    @property
    def larger(self) -> tuple[int, int]:
        """The size of photographs: a third more than the canvas."""
        return self.size[0] * 4 // 3 // 2 * 2, self.size[1] * 4 // 3 // 2 * 2


FULL = Scale((1920, 1080), photographs=10, many=100, still_s=3.0, fade_s=0.5, video_s=6.0, long_s=60.0)
QUICK = Scale((320, 180), photographs=3, many=5, still_s=1.0, fade_s=0.2, video_s=1.0, long_s=3.0)


@dataclass(frozen=True)
class Job:
    """One work, ready to be rendered by whatever way."""

    scale: Scale
    clips: list[dict[str, Any]]
    files: dict[str, Path]
    """By URI."""
    length_s: float
    more: dict[str, Any]
    """Further fields of the spec."""
    copied: bool = False
    """Whether nothing in it needs to be encoded."""

    @property
    def sources(self) -> list[Path]:
        """The files of the clips, in order."""
        return [self.files[(clip.get("image") or clip.get("video"))["uri"]] for clip in self.clips]

    def file(self, prefix: str) -> Path:
        """Return the one file whose URI has this name."""
        return next(path for uri, path in self.files.items() if uri.startswith(f"volume://bench/{prefix}"))


@dataclass(frozen=True)
class Work:
    """A row of the benchmark, and how much faster than others it is meant to be."""

    title: str
    make: Callable[[Scale], Job]
    against_moviepy: float
    against_ffmpeg: float
    memory_mb: float | None = None


def photographs(scale: Scale) -> Job:
    """Photographs that stand still, with crossfades."""
    return _slideshow(scale, scale.photographs)


def many(scale: Scale) -> Job:
    """Many photographs that stand still, with crossfades and music."""
    job = _slideshow(scale, scale.many)
    uri = "volume://bench/music.mp3"
    tracks = [{"uri": uri, "fadeOut": f"{scale.fade_s}s"}]
    return Job(
        scale, job.clips, {**job.files, uri: media.music(job.length_s)}, job.length_s, {"audio": {"tracks": tracks}}
    )


def motion(scale: Scale) -> Job:
    """Photographs with a slow zoom, and crossfades."""
    return _slideshow(scale, scale.photographs, motion={"zoom": {"from": 1.0, "to": 1.25}, "easing": "linear"})


def videos(scale: Scale) -> Job:
    """Video clips with crossfades and a watermark."""
    paths = media.videos(4, scale.size, scale.video_s)
    files = {f"volume://bench/video-{index}.mp4": path for index, path in enumerate(paths)}
    clips = [{"video": {"uri": uri}, "duration": _s(scale.video_s)} for uri in files]
    mark = "volume://bench/watermark.png"
    overlay = {"image": {"uri": mark}, "anchor": "bottomRight", "margin": 24, "opacity": 0.6}
    files[mark] = media.watermark(scale.size[0] // 5 // 4 * 4)
    length_s = 4 * scale.video_s - 3 * scale.fade_s
    return Job(scale, _faded(scale, clips), files, length_s, {"overlays": [overlay]})


def titled(scale: Scale) -> Job:
    """A long clip with a title, subtitles, and music that ducks under its sound."""
    clip, music, lines = (f"volume://bench/{name}" for name in ("talk.mp4", "music.mp3", "lines.srt"))
    files = {
        clip: media.talk(scale.size, scale.long_s),
        music: media.music(scale.long_s),
        lines: media.subtitles(scale.long_s),
    }
    title = {"text": "A title over the clip", "font": "DejaVu Sans", "size": scale.size[1] // 12}
    more = {
        "overlays": [{"title": title, "anchor": "top", "from": "500ms", "to": _s(min(5.0, scale.long_s - 0.5))}],
        "subtitles": {"uri": lines, "style": {"font": "DejaVu Sans"}},
        "audio": {"tracks": [{"uri": music, "volume": 0.5, "duck": {}}]},
    }
    return Job(scale, [{"video": {"uri": clip}, "duration": _s(scale.long_s)}], files, scale.long_s, more)


def joined(scale: Scale) -> Job:
    """Pieces of a clip, cut at keyframes and joined."""
    uri, step = "volume://bench/video.mp4", int(scale.long_s) // 3
    files = {uri: media.videos(1, scale.size, scale.long_s)[0]}
    cuts = [(step, 3 * step), (0, 2 * step), (step, 2 * step)]
    clips = [{"video": {"uri": uri, "from": _s(start), "to": _s(end)}} for start, end in cuts]
    return Job(scale, clips, files, sum(end - start for start, end in cuts), {}, copied=True)


WORKS = {
    "photographs": Work("10 photographs, crossfades", photographs, 15, 4),
    "many": Work("100 photographs, crossfades, music", many, 15, 4, memory_mb=700),
    "motion": Work("10 photographs with Ken Burns motion", motion, 5, 1.5),
    "videos": Work("4 video clips, crossfades, watermark", videos, 4, 1.1),
    "titled": Work("60 s clip, title, subtitles, ducked music", titled, 4, 1.0),
    "joined": Work("trim and join of like clips", joined, 20, 1.0),
}


def _slideshow(scale: Scale, count: int, **fields: Any) -> Job:
    paths = media.photographs(count, scale.larger)
    files = {f"volume://bench/{index}.jpg": path for index, path in enumerate(paths)}
    clips = [{"image": {"uri": uri}, "duration": _s(scale.still_s), **fields} for uri in files]
    return Job(scale, _faded(scale, clips), files, count * scale.still_s - (count - 1) * scale.fade_s, {})


def _faded(scale: Scale, clips: list[dict[str, Any]]) -> list[dict[str, Any]]:
    fade = {"transition": {"type": "crossfade", "duration": _s(scale.fade_s)}}
    return [clip | (fade if index else {}) for index, clip in enumerate(clips)]


def _s(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
