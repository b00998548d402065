"""Picture and sound together after ten minutes: of the timeline, and of the source."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.ffmpeg import ffmpeg
from tests.render.sounds import RATE, clip
from tests.render.studio import Studio, color

START, LENGTH = 598, 600


@pytest.fixture(scope="module")
def flash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of black and silence, with a white flash and a beep a second before their end."""
    path = tmp_path_factory.mktemp("flash") / "flash.mp4"
    seen = f"color=black:s=32x32:r=5:d={LENGTH},drawbox=c=white:t=fill:enable='gte(t,599)*lt(t,599.2)'"
    heard = f"aevalsrc='if(gte(t,599)*lt(t,599.2),0.5*sin(2*PI*1000*t),0)':d={LENGTH}:s=11025"
    ffmpeg("-f", "lavfi", "-i", seen, "-f", "lavfi", "-i", heard, "-preset", "ultrafast", "-c:a", "aac", path)
    return path


def flash_and_beep(path: Path) -> tuple[Fraction, float]:
    """When the flash is seen and when the beep is heard, in seconds."""
    with av.open(str(path)) as container:
        container.seek(START * av.time_base)
        seen = next(
            frame.pts * frame.time_base
            for frame in container.decode(video=0)
            if frame.pts is not None and frame.time_base is not None and frame.to_ndarray()[:32].mean() > 125
        )
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        container.seek(START * RATE, stream=stream)
        for frame in container.decode(stream):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.1)
            if len(loud) and frame.pts is not None:
                return seen, (frame.pts + int(loud[0])) / RATE
    raise AssertionError("nothing is heard")


@pytest.mark.parametrize("fps", ["24000/1001", "25", "30000/1001", "30", "50", "60000/1001"])
def test_the_beep_comes_with_the_flash(studio: Studio, flash: Path, fps: str) -> None:
    movie = studio.movie(
        [color("#000000", "598.7s"), clip(flash, "2s", **{"from": f"{START}s"})],
        files=[flash],
        fps=fps,
        size=(32, 32),
        threads=2,
        outputs=[{"name": "main", "format": "mp4", "preset": "ultrafast"}],
    )
    seen, heard = flash_and_beep(movie)
    assert heard == pytest.approx(599.7, abs=0.001)
    assert abs(float(seen) - heard) < 1 / Fraction(fps)
