"""The works rendered with the engine, and its frames made, encoded plainly, and kept without loss."""

# ruff: noqa: PLC0415 - importing the engine is part of what it costs
import os
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.media import FPS
from bench.works import Job

CRF, PRESET = 23, "medium"


def ours(job: Job, output: Path) -> None:
    """Render as a worker does."""
    from videojob_worker.engine import render

    with TemporaryDirectory(dir=output.parent) as scratch:
        render(request_of(job, Path(scratch)), lambda _: None, lambda: False)[0].path.rename(output)


def frames(job: Job, _output: Path) -> None:
    """Make all frames, and drop them."""
    with TemporaryDirectory() as scratch:
        for _ in _pictures(job, Path(scratch)):
            pass


def plain(job: Job, output: Path) -> float:
    """Make all frames and encode them with x264 as it is; return the seconds that it was waited for."""
    return _encode(job, output, {"preset": PRESET, "crf": str(CRF)})


def lossless(job: Job, output: Path) -> None:
    """Make the reference that quality is compared with."""
    _encode(job, output, {"preset": "ultrafast", "qp": "0"})


def request_of(job: Job, scratch: Path) -> Any:
    """Return a work as a request, with all cores for its threads."""
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_worker.render_settings import RenderSettings
    from videojob_worker.request import RenderRequest

    quality = {} if job.copied else {"crf": CRF, "preset": PRESET}
    width, height = job.scale.size
    spec = {
        "canvas": {"width": width, "height": height, "fps": str(FPS), "background": "#000000"},
        "clips": job.clips,
        "outputs": [{"name": "main", "format": "mp4", **quality}],
        **job.more,
    }
    cores = len(os.sched_getaffinity(0))
    settings = RenderSettings(spec=VideoJobSpec.model_validate(spec), name="bench", threads=cores)
    return RenderRequest(settings, job.files, scratch)


def _pictures(job: Job, scratch: Path) -> Iterator[tuple[Any, int]]:
    from videojob_worker.compose.compositor import Scene
    from videojob_worker.plan.render_plan import build_render_plan
    from videojob_worker.rendering import probe_sources

    request = request_of(job, scratch)
    project = build_render_plan(request, probe_sources(request, lambda _: None, lambda: False))
    scene = Scene(project.composition, project.spans)
    yield from scene.compose(project.spans)
    scene.close()


def _encode(job: Job, output: Path, options: dict[str, str]) -> float:
    import av

    waited = number = 0
    with TemporaryDirectory(dir=output.parent) as scratch, av.open(str(output), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height = job.scale.size
        stream.pix_fmt = "yuv420p"

        def encode(frame: Any) -> None:
            nonlocal waited
            start = time.perf_counter_ns()
            container.mux(stream.encode(frame))
            waited += time.perf_counter_ns() - start

        for picture, count in _pictures(job, Path(scratch)):
            # A view, where PyAV makes one of any height.
            wrap = av.VideoFrame.from_ndarray if picture.shape[0] % 6 else av.VideoFrame.from_numpy_buffer
            frame = wrap(picture, format="yuv420p")
            for _ in range(count):
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                encode(frame)
                number += 1
        encode(None)
    return waited / 1e9


WAYS: dict[str, Callable[[Job, Path], float | None]] = {
    "ours": ours,
    "frames": frames,
    "plain": plain,
    "lossless": lossless,
}
