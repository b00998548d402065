"""The works written for ffmpeg's command line, each at its best."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from bench.by_engine import CRF, PRESET
from bench.media import FPS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.works import Job

_ENCODER = ["-c:v", "libx264", "-preset", PRESET, "-crf", str(CRF), "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
_AUDIO = ["-c:a", "aac", "-b:a", "160k"]


def slideshow(job: Job, output: Path) -> None:
    """Each photograph scaled once and looped, and a chain of xfade."""
    size = f"{job.scale.size[0]}:{job.scale.size[1]}"
    still = round(job.scale.still_s * FPS)
    graph = [
        f"[{index}]scale={size}:flags=lanczos,format=yuv420p,setsar=1,loop=loop={still - 1}:size=1:start=0,"
        f"fps={FPS},settb=1/{FPS},setpts=N[v{index}]"
        for index in range(len(job.clips))
    ]
    last = _xfade(graph, len(job.clips), job.scale.still_s, job.scale.fade_s)
    inputs, sound = list(job.sources), []
    if "audio" in job.more:
        start = job.length_s - job.scale.fade_s
        graph.append(f"[{len(inputs)}]atrim=0:{job.length_s},afade=out:st={start}:d={job.scale.fade_s}[a]")
        inputs.append(job.file("music"))
        sound = ["-map", "[a]", *_AUDIO]
    _run(inputs, graph, ["-map", f"[{last}]", *sound, *_ENCODER], output)


def motion(job: Job, output: Path) -> None:
    """Zoompan on each photograph, and a chain of xfade."""
    width, height = job.scale.size
    still = round(job.scale.still_s * FPS)
    graph = [
        f"[{index}]zoompan=z='1+0.25*on/{still}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d={still}:s={width}x{height}:"
        f"fps={FPS},format=yuv420p,setsar=1,settb=1/{FPS}[v{index}]"
        for index in range(len(job.clips))
    ]
    last = _xfade(graph, len(job.clips), job.scale.still_s, job.scale.fade_s)
    _run(job.sources, graph, ["-map", f"[{last}]", *_ENCODER], output)


def videos(job: Job, output: Path) -> None:
    """A chain of xfade, and the watermark over it."""
    graph = [f"[{index}]settb=1/{FPS},setpts=N[v{index}]" for index in range(len(job.clips))]
    last = _xfade(graph, len(job.clips), job.scale.video_s, job.scale.fade_s)
    graph.append(f"[{len(job.clips)}]format=yuva420p,colorchannelmixer=aa=0.6[mark]")
    graph.append(f"[{last}][mark]overlay=W-w-24:H-h-24[v]")
    _run([*job.sources, job.file("watermark")], graph, ["-map", "[v]", *_ENCODER], output)


def titled(job: Job, output: Path) -> None:
    """The title by drawtext, subtitles by libass, and the music compressed by the clip's sound."""
    height = job.scale.size[1]
    end = min(5.0, job.length_s - 0.5)
    title = f"font=DejaVu Sans:text='A title over the clip':fontsize={height // 12}:fontcolor=white:x=(w-tw)/2:y=24"
    lines = f"subtitles={job.file('lines')}:force_style='FontName=DejaVu Sans,FontSize=14'"
    graph = [
        f"[0:v]drawtext={title}:enable='between(t,0.5,{end})',{lines}[v]",
        "[0:a]asplit[talk][key]",
        "[1:a]volume=0.5,aresample=48000[music]",
        "[music][key]sidechaincompress=threshold=0.01:ratio=8:attack=200:release=600[ducked]",
        "[talk][ducked]amix=inputs=2:duration=first:normalize=0[a]",
    ]
    length = ["-t", f"{job.length_s:g}"]
    _run(
        [job.sources[0], job.file("music")], graph, ["-map", "[v]", "-map", "[a]", *_AUDIO, *length, *_ENCODER], output
    )


def joined(job: Job, output: Path) -> None:
    """The concat demuxer, and stream copy."""
    lines = ["ffconcat version 1.0"]
    for clip, path in zip(job.clips, job.sources, strict=True):
        start, end = (int(clip["video"][key].removesuffix("ms")) / 1000 for key in ("from", "to"))
        lines += [f"file '{path}'", f"inpoint {start}", f"outpoint {end}"]
    pieces = output.with_suffix(".txt")
    pieces.write_text("\n".join(lines), encoding="utf-8")
    words = ["-f", "concat", "-safe", "0", "-i", str(pieces), "-c", "copy", "-movflags", "+faststart", str(output)]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *words], check=True)


def _xfade(graph: list[str], count: int, length_s: float, fade_s: float) -> str:
    last = "v0"
    for index in range(1, count):
        offset = index * (length_s - fade_s)
        graph.append(f"[{last}][v{index}]xfade=transition=fade:duration={fade_s}:offset={offset:g}[x{index}]")
        last = f"x{index}"
    return last


def _run(inputs: list[Path], graph: list[str], words: list[str], output: Path) -> None:
    files = [word for path in inputs for word in ("-i", str(path))]
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *files, "-filter_complex", ";".join(graph)]
    subprocess.run([*command, *words, str(output)], check=True)


BY_WORK: dict[str, Callable[[Job, Path], None]] = {
    "photographs": slideshow,
    "many": slideshow,
    "motion": motion,
    "videos": videos,
    "titled": titled,
    "joined": joined,
}
