"""What the tests of the engine share: render a small timeline, and look at what came out."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from videojob_contract.assignment import Progress
from videojob_contract.resources.videojob import VideoJobSpec
from videojob_worker.engine import render
from videojob_worker.render_settings import RenderSettings
from videojob_worker.request import RenderedOutput, RenderRequest

Frames = npt.NDArray[np.uint8]


def uri(path: Path) -> str:
    return f"volume://media/{path.name}"


def image(path: Path, duration: str = "1s", **fields: Any) -> dict[str, Any]:
    return {"image": {"uri": uri(path)}, "duration": duration, **fields}


def color(value: str, duration: str = "1s", **fields: Any) -> dict[str, Any]:
    return {"color": value, "duration": duration, **fields}


@dataclass
class Studio:
    """Renders into a folder of the test's own."""

    scratch: Path

    def request(
        self,
        clips: Sequence[Mapping[str, Any]],
        *,
        files: Sequence[Path] = (),
        size: tuple[int, int] = (160, 90),
        fps: str = "25",
        background: str = "#000000",
        tracks: Sequence[Mapping[str, Any]] = (),
        outputs: Sequence[Mapping[str, Any]] = ({"name": "main", "format": "mp4"},),
        threads: int = 1,
        **fields: Any,
    ) -> RenderRequest:
        """Make a request; `fields` are further ones of the spec."""
        spec: dict[str, Any] = {
            "canvas": {"width": size[0], "height": size[1], "fps": fps, "background": background},
            "clips": list(clips),
            "outputs": list(outputs),
            **fields,
        }
        if tracks:
            spec["audio"] = {"tracks": list(tracks)}
        self.scratch.mkdir(exist_ok=True)
        return RenderRequest(
            settings=RenderSettings(spec=VideoJobSpec.model_validate(spec), name="test", threads=threads),
            sources={uri(path): path for path in files},
            scratch=self.scratch,
        )

    def render(
        self,
        clips: Sequence[Mapping[str, Any]],
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
        **options: Any,
    ) -> list[RenderedOutput]:
        return render(self.request(clips, **options), on_progress, cancelled)

    def movie(self, clips: Sequence[Mapping[str, Any]], **options: Any) -> Path:
        """Render one mp4 and return it."""
        return self.render(clips, **options)[0].path


def decode(path: Path) -> Frames:
    """All frames as `(n, height * 3 / 2, width) uint8`."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray() for frame in container.decode(video=0)])


def sound(path: Path) -> npt.NDArray[np.float32]:
    """The whole sound as `(2, n) float32`."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def probe(path: Path, *entries: str) -> dict[str, Any]:
    """What ffprobe, an implementation other than the one tested, says."""
    command = ["ffprobe", "-v", "error", "-print_format", "json", "-show_format", "-show_streams", *entries, str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def psnr(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> float:
    """Peak signal-to-noise ratio in dB."""
    error = np.mean((left.astype(np.float64) - right.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
