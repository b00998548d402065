"""What one render takes of memory, beside what its plan says: `python -m bench.memory_of NAME THREADS MEDIA`.

Prints both as JSON, in bytes. The renders that there are: `NAMES`.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from PIL import Image

from bench import by_engine
from bench.media import folder as prepared
from bench.works import FULL, WORKS
from hack import media, samples
from videojob_cli.volumes import local_pool
from videojob_contract.defaults import resolve
from videojob_contract.resources.uris import Use, iter_uris
from videojob_contract.validation import parse_videojob
from videojob_worker import engine
from videojob_worker.render_settings import RenderSettings
from videojob_worker.request import RenderRequest

_Fields = dict[str, Any]


def _picture(name: str, size: tuple[int, int], **saved: Any) -> Path:
    """Make a real photograph of a size, once."""
    path = prepared() / f"{size[0]}x{size[1]}-{name}"
    if not path.exists():
        unfinished = path.with_name(f"unfinished-{path.name}")
        with Image.open(media.photograph("hubble_deep_field.jpg")) as photo:
            photo.resize(size).save(unfinished, **saved)
        unfinished.rename(path)
    return path


def _film(name: str, *options: str) -> Path:
    """Make ten seconds of real footage in another shape, once."""
    path = prepared() / name
    if not path.exists():
        unfinished = path.with_name(f"unfinished-{path.name}")
        command = ["ffmpeg", "-v", "error", "-y", "-stream_loop", "1", "-i", str(media.clip("bigbuckbunny.mp4"))]
        subprocess.run([*command, "-an", *options, str(unfinished)], check=True)
        unfinished.rename(path)
    return path


def _slideshow(paths: Sequence[Path], **fields: Any) -> _Fields:
    fade = {"transition": {"type": "crossfade", "duration": "500ms"}}
    clips = [
        {"image": {"uri": _uri(path)}, "duration": "2s", **fields, **(fade if place else {})}
        for place, path in enumerate(paths)
    ]
    return {"clips": clips}


def _uri(path: Path) -> str:
    return f"volume://bench/{path.name}"


def _large_pngs() -> _Fields:
    paths = [_picture(f"{copy}.png", (12500, 10000), compress_level=1) for copy in range(2)]
    return _slideshow([*paths, *paths])


def _phone_photographs() -> _Fields:
    return _slideshow([_picture(f"{copy}.jpg", (4000, 3000), quality=92) for copy in range(4)])


def _phone_photographs_in_motion() -> _Fields:
    paths = [_picture(f"{copy}.jpg", (4000, 3000), quality=92) for copy in range(4)]
    return _slideshow(paths, motion={"zoom": {"from": 1.0, "to": 1.5}})


def _progressive() -> _Fields:
    return _slideshow([_picture("progressive.jpg", (8064, 6048), quality=92, progressive=True)])


def _one_still() -> _Fields:
    path = _picture("0.jpg", (4000, 3000), quality=92)
    return _slideshow([path]) | {"outputs": [{"name": "poster", "format": "jpg", "at": "0s"}]}


def _web() -> _Fields:
    outputs = [
        {"name": "main", "format": "mp4"},
        {"name": "modern", "format": "webm"},
        {"name": "chat", "format": "gif", "width": 480},
    ]
    return _slideshow([_picture(f"{copy}.png", (640, 480)) for copy in range(2)]) | {"outputs": outputs}


def _film_of_4k() -> _Fields:
    path = _film("4k.mp4", "-vf", "scale=3840:2160", "-c:v", "libx264", "-preset", "veryfast", "-t", "6")
    return {"clips": [{"video": {"uri": _uri(path)}}]}


def _film_of_ten_bits() -> _Fields:
    options = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le"]
    path = _film("4k-10-bit.mp4", "-vf", "scale=3840:2160", *options, "-t", "4")
    return {"clips": [{"video": {"uri": _uri(path)}}]}


def _film_to_4k() -> _Fields:
    path = _film("720p.mp4", "-c:v", "libx264", "-t", "4")
    return {"clips": [{"video": {"uri": _uri(path)}}], "canvas": {"width": 3840, "height": 2160, "fps": "25"}}


def _banners() -> _Fields:
    banner = {"image": {"uri": _uri(_picture("banner.png", (4000, 160)))}, "scale": 1}
    return {"clips": [{"color": "#000000", "duration": "2s"}], "overlays": [banner] * 20}


def _film_over_film() -> _Fields:
    path = _film("720p.mp4", "-c:v", "libx264", "-t", "4")
    return {"clips": [{"video": {"uri": _uri(path)}}], "overlays": [{"video": {"uri": _uri(path)}, "scale": 1}]}


LARGE: Mapping[str, Callable[[], _Fields]] = {
    "four PNGs of 125 MP": _large_pngs,
    "four JPEGs of 12 MP": _phone_photographs,
    "four JPEGs of 12 MP, zoomed": _phone_photographs_in_motion,
    "a progressive JPEG of 48 MP": _progressive,
    "a still of one JPEG": _one_still,
    "two photographs to MP4, WebM and GIF": _web,
    "a film of 4K": _film_of_4k,
    "a film of 4K, HEVC of 10 bits": _film_of_ten_bits,
    "a film to 4K": _film_to_4k,
    "twenty banners": _banners,
    "a film over a film": _film_over_film,
}
"""Beyond what the samples and the works of the benchmark have."""

_BENCH = {f"bench/{name}": work for name, work in WORKS.items()}

NAMES = [*samples.VIDEOJOBS, *_BENCH, *LARGE]


def main() -> None:
    """Plan, render, and print both peaks."""
    name, threads, volume = sys.argv[1:]
    with TemporaryDirectory(prefix="videojob-memory-") as scratch:
        request = _request(name, int(threads), Path(volume), Path(scratch))
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak of making the sources
        engine.preload()
        predicted = engine.plan(request, lambda _: None, lambda: False).memory_bytes
        engine.render(request, lambda _: None, lambda: False)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    measured = int(status["VmHWM"].removesuffix("kB")) * 1024
    print(json.dumps({"predicted": predicted, "measured": measured}))


def _request(name: str, threads: int, volume: Path, scratch: Path) -> RenderRequest:
    if name in _BENCH:
        request = by_engine.request_of(_BENCH[name].make(FULL), scratch)
        return replace(request, settings=request.settings.model_copy(update={"threads": threads}))
    if name in LARGE:
        fields = {"canvas": {"width": 1920, "height": 1080, "fps": "30"}, **LARGE[name]()}
        resource: _Fields = {
            "apiVersion": "videojob.dev/v1alpha1",
            "kind": "VideoJob",
            "metadata": {"name": "memory"},
            "spec": fields,
        }
        folders = {"bench": prepared()}
    else:
        resource, folders = yaml.safe_load(samples.manifest(name).read_text()), {"media": volume}
    job = parse_videojob(resource)
    spec = resolve(job.spec, local_pool(job.spec), namespace="default", name="memory")
    sources = {uri: _path(uri, folders) for _, uri, use in iter_uris(spec) if use is Use.SOURCE}
    return RenderRequest(RenderSettings(spec=spec, name="memory", threads=threads), sources, scratch)


def _path(uri: str, folders: Mapping[str, Path]) -> Path:
    volume, _, rest = uri.removeprefix("volume://").partition("/")
    return folders[volume] / rest


if __name__ == "__main__":
    main()
