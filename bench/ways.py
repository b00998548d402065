"""The ways that `render.py` compares: each renders one slideshow, 1080p, 30 frames a second, x264 medium, crf 23.

Run as `python ways.py WAY OUTPUT PHOTOGRAPH...`, so that each is measured as a process of its own. The libraries are
imported by the way that uses them, because their import is part of its cost.
"""
# ruff: noqa: PLC0415

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CLIP_S, FADE_S, FPS = 3, 0.5, 30
WIDTH, HEIGHT = 1920, 1080
CRF, PRESET = 23, "medium"


def ours(output: Path, photographs: list[Path]) -> None:
    """Render with the engine, as a worker does."""
    from videojob_contract.resources.encoding import Encoding
    from videojob_worker.engine import RenderRequest, render

    with TemporaryDirectory(dir=output.parent) as scratch:
        spec, sources = _spec(photographs)
        cores = len(os.sched_getaffinity(0))
        request = RenderRequest(spec, "bench", sources, Path(scratch), cores, Encoding())
        render(request, lambda _: None, lambda: False)[0].path.rename(output)


def moviepy(output: Path, photographs: list[Path]) -> None:
    """Render with MoviePy as most people write it."""
    _moviepy(output, photographs)


def moviepy_opaque(output: Path, photographs: list[Path]) -> None:
    """Render with MoviePy on an opaque canvas, which it composes faster."""
    _moviepy(output, photographs, bg_color=(0, 0, 0))


def ffmpeg(output: Path, photographs: list[Path]) -> None:
    """Render with ffmpeg's command line at its best: scaled once, looped, a chain of xfade."""
    inputs = [word for path in photographs for word in ("-i", str(path))]
    frames = CLIP_S * FPS
    graph = [
        f"[{index}]scale={WIDTH}:{HEIGHT}:flags=lanczos,format=yuv420p,setsar=1,loop=loop={frames - 1}:size=1:start=0,"
        f"fps={FPS},settb=1/{FPS},setpts=N[v{index}]"
        for index in range(len(photographs))
    ]
    last = "v0"
    for index in range(1, len(photographs)):
        offset = index * (CLIP_S - FADE_S)
        graph.append(f"[{last}][v{index}]xfade=transition=fade:duration={FADE_S}:offset={offset}[x{index}]")
        last = f"x{index}"
    encoder = ["-c:v", "libx264", "-preset", PRESET, "-crf", str(CRF), "-pix_fmt", "yuv420p"]
    command = ["ffmpeg", "-v", "error", "-y", *inputs, "-filter_complex", ";".join(graph)]
    subprocess.run([*command, "-map", f"[{last}]", *encoder, str(output)], check=True)


def plain(output: Path, photographs: list[Path]) -> None:
    """Make the engine's own frames and encode them with plain x264."""
    _encode(output, _frames(photographs), {"preset": PRESET, "crf": str(CRF)})


def encode_only(output: Path, photographs: list[Path]) -> None:
    """Encode the same frames, all ready in memory, with plain x264; prints what the encoding alone took."""
    ready = [(picture.copy(), count) for picture, count in _frames(photographs)]
    wall, cpu = time.perf_counter(), time.process_time()
    _encode(output, iter(ready), {"preset": PRESET, "crf": str(CRF)})
    print(time.perf_counter() - wall, time.process_time() - cpu)


def lossless(output: Path, photographs: list[Path]) -> None:
    """Make the reference that quality is compared with."""
    _encode(output, _frames(photographs), {"preset": "ultrafast", "qp": "0"})


def _spec(photographs: list[Path]) -> tuple[Any, dict[str, Path]]:
    from videojob_contract.resources.videojob import VideoJobSpec

    uris = [f"volume://bench/{index}.jpg" for index in range(len(photographs))]
    fade = {"type": "crossfade", "duration": f"{int(FADE_S * 1000)}ms"}
    spec = {
        "canvas": {"width": WIDTH, "height": HEIGHT, "fps": str(FPS), "background": "#000000"},
        "clips": [
            {"image": {"uri": uri}, "duration": f"{CLIP_S}s", **({"transition": fade} if index else {})}
            for index, uri in enumerate(uris)
        ],
        "outputs": [{"name": "main", "format": "mp4", "crf": CRF, "preset": PRESET}],
    }
    return VideoJobSpec.model_validate(spec), dict(zip(uris, photographs, strict=True))


def _moviepy(output: Path, photographs: list[Path], **canvas: Any) -> None:
    from moviepy import ImageClip, concatenate_videoclips, vfx  # type: ignore[import-untyped]

    clips = [ImageClip(str(path)).resized((WIDTH, HEIGHT)).with_duration(CLIP_S) for path in photographs]
    faded = [clips[0], *(clip.with_effects([vfx.CrossFadeIn(FADE_S)]) for clip in clips[1:])]
    movie = concatenate_videoclips(faded, method="compose", padding=-FADE_S, **canvas)
    movie.write_videofile(
        str(output),
        fps=FPS,
        codec="libx264",
        preset=PRESET,
        ffmpeg_params=["-crf", str(CRF)],
        audio=False,
        logger=None,
    )


def _frames(photographs: list[Path]) -> Iterator[tuple[Any, int]]:
    """Yield the engine's pictures and how often each is shown."""
    from videojob_contract.resources.encoding import Encoding
    from videojob_worker.compose.compositor import Scene
    from videojob_worker.engine import RenderRequest
    from videojob_worker.project import build_project
    from videojob_worker.rendering import probe_sources

    spec, sources = _spec(photographs)
    request = RenderRequest(spec, "bench", sources, Path(), 1, Encoding())
    project = build_project(request, probe_sources(request, lambda _: None, lambda: False))
    return Scene(project, project.spans).compose(project.spans)


def _encode(output: Path, frames: Iterator[tuple[Any, int]], options: dict[str, str]) -> None:
    import av

    with av.open(str(output), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        number = 0
        for picture, count in frames:
            frame = av.VideoFrame.from_numpy_buffer(picture, format="yuv420p")
            for _ in range(count):
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                container.mux(stream.encode(frame))
                number += 1
        container.mux(stream.encode(None))


WAYS: dict[str, Callable[[Path, list[Path]], None]] = {
    "ours": ours,
    "moviepy": moviepy,
    "moviepy-opaque": moviepy_opaque,
    "ffmpeg": ffmpeg,
    "plain": plain,
    "encode-only": encode_only,
    "lossless": lossless,
}

if __name__ == "__main__":
    WAYS[sys.argv[1]](Path(sys.argv[2]), [Path(word) for word in sys.argv[3:]])
