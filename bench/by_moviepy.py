"""The works written for MoviePy."""

# ruff: noqa: PLC0415 - importing MoviePy is part of what it costs
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.by_engine import CRF, PRESET
from bench.media import FPS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.works import Job

_FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


def slideshow(job: Job, *, opaque: bool = True) -> Any:
    """Photographs with crossfades, with music where the job has it; an opaque canvas is composed faster."""
    from moviepy import AudioFileClip, ImageClip, afx

    clips = [ImageClip(str(path)).resized(job.scale.size).with_duration(job.scale.still_s) for path in job.sources]
    movie = _faded(job, clips, **({"bg_color": (0, 0, 0)} if opaque else {}))
    if "audio" in job.more:
        music = AudioFileClip(str(job.file("music"))).subclipped(0, movie.duration)
        movie = movie.with_audio(music.with_effects([afx.AudioFadeOut(job.scale.fade_s)]))
    return movie


def motion(job: Job) -> Any:
    """Photographs that are zoomed."""
    from moviepy import CompositeVideoClip, ImageClip

    clips = []
    for path in job.sources:
        image = ImageClip(str(path)).resized(job.scale.size).with_duration(job.scale.still_s)
        zoomed = image.resized(lambda t: 1 + 0.25 * t / job.scale.still_s).with_position("center")
        clips.append(CompositeVideoClip([zoomed], size=job.scale.size, bg_color=(0, 0, 0)))
    return _faded(job, clips, bg_color=(0, 0, 0))


def videos(job: Job) -> Any:
    """Videos with crossfades and a watermark."""
    from moviepy import CompositeVideoClip, ImageClip, VideoFileClip

    movie = _faded(job, [VideoFileClip(str(path), audio=False) for path in job.sources], bg_color=(0, 0, 0))
    mark = ImageClip(str(job.file("watermark"))).with_duration(movie.duration).with_opacity(0.6)
    place = (job.scale.size[0] - mark.w - 24, job.scale.size[1] - mark.h - 24)
    return CompositeVideoClip([movie, mark.with_position(place)], bg_color=(0, 0, 0))


def titled(job: Job) -> Any:
    """A clip with title and subtitles; MoviePy does not duck, so the music is quiet throughout."""
    from moviepy import AudioFileClip, CompositeAudioClip, CompositeVideoClip, TextClip, VideoFileClip
    from moviepy.video.tools.subtitles import SubtitlesClip

    talk = VideoFileClip(str(job.sources[0])).subclipped(0, job.length_s)
    height = job.scale.size[1]
    title = TextClip(font=_FONT, text="A title over the clip", font_size=height // 12, color="white")
    title = title.with_start(0.5).with_end(min(5.0, job.length_s - 0.5)).with_position(("center", 24))

    def line(text: str) -> Any:
        size = (job.scale.size[0], None)
        style = {"stroke_color": "black", "stroke_width": 2, "method": "caption", "text_align": "center"}
        return TextClip(font=_FONT, text=text, font_size=height // 20, color="white", size=size, **style)

    lines = SubtitlesClip(str(job.file("lines")), make_textclip=line, encoding="utf-8")
    movie = CompositeVideoClip([talk, lines.with_position(("center", 0.85), relative=True), title], bg_color=(0, 0, 0))
    music = AudioFileClip(str(job.file("music"))).subclipped(0, job.length_s).with_volume_scaled(0.125)
    return movie.with_duration(job.length_s).with_audio(CompositeAudioClip([talk.audio, music]))


def joined(job: Job) -> Any:
    """Pieces of a clip."""
    from moviepy import VideoFileClip, concatenate_videoclips

    pieces = []
    for clip in job.clips:
        times = [int(clip["video"][key].removesuffix("ms")) / 1000 for key in ("from", "to")]
        pieces.append(VideoFileClip(str(job.sources[0]), audio=False).subclipped(*times))
    return concatenate_videoclips(pieces)


def _faded(job: Job, clips: list[Any], **canvas: Any) -> Any:
    from moviepy import concatenate_videoclips, vfx

    fade = job.scale.fade_s
    faded = [clips[0], *(clip.with_effects([vfx.CrossFadeIn(fade)]) for clip in clips[1:])]
    return concatenate_videoclips(faded, method="compose", padding=-fade, **canvas)


def _written(make: Callable[[Job], Any]) -> Callable[[Job, Path], None]:
    def write(job: Job, output: Path) -> None:
        make(job).write_videofile(
            str(output),
            fps=FPS,
            codec="libx264",
            preset=PRESET,
            ffmpeg_params=["-crf", str(CRF)],
            audio_codec="aac",
            temp_audiofile_path=str(output.parent),
            logger=None,
        )

    return write


BY_WORK = {
    "photographs": _written(slideshow),
    "many": _written(slideshow),
    "motion": _written(motion),
    "videos": _written(videos),
    "titled": _written(titled),
    "joined": _written(joined),
}
AS_MOST_WRITE_IT = {"photographs": _written(lambda job: slideshow(job, opaque=False))}
"""Where it differs much from what is best for MoviePy."""
