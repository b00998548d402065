"""What the tests of sound share: sources whose every sample is known, and the mix of a project made of them."""

import subprocess
import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.render.studio import Studio, uri
from videojob_contract.resources.videojob import VideoJobSpec
from videojob_worker.audio.soundtrack import Soundtrack, open_soundtrack
from videojob_worker.media.files.source import Source
from videojob_worker.media.probe import ProbedSource
from videojob_worker.media.sound.sound_container import check_audio
from videojob_worker.plan.render_plan import RenderPlan, build_render_plan

RATE = 48_000

Wave = npt.NDArray[np.floating[Any]]


def write_wav(path: Path, samples: npt.NDArray[Any], rate: int = RATE) -> Path:
    """Write `(n, channels) int16`."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def write_float_wav(path: Path, samples: Wave) -> Path:
    """Write `(2, n)` from -1 to 1, for other programs to measure: 32 bits, so that nothing is rounded off."""
    raw = np.ascontiguousarray(samples.T, "<f4").tobytes()
    command = ["ffmpeg", "-v", "error", "-y", "-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", "-", "-c:a"]
    subprocess.run([*command, "pcm_f32le", str(path)], input=raw, check=True)
    return path


def counting(path: Path, seconds: float) -> Path:
    """A stereo WAV in which each sample tells its own number: left the low digits, right the high ones."""
    number = np.arange(int(seconds * RATE))
    return write_wav(path, np.stack([number % 256, number // 256], axis=1) * 64)


def numbers(samples: Wave) -> npt.NDArray[np.int64]:
    """Read the numbers back from `(2, n) float32`."""
    low, high = np.rint(samples * 32768 / 64).astype(np.int64)
    return np.asarray(high * 256 + low)


def flat(path: Path, seconds: float, level: float = 0.5) -> Path:
    """A stereo WAV at one level, so that a gain can be read off each sample."""
    return write_wav(path, np.full((int(seconds * RATE), 2), round(level * 32768)))


def tone(path: Path, seconds: float, hz: float = 1000, level: float = 0.5) -> Path:
    at = np.arange(int(seconds * RATE)) / RATE
    return write_wav(path, np.repeat(np.rint(level * 32767 * np.sin(2 * np.pi * hz * at))[:, None], 2, axis=1))


def noise(path: Path, seconds: float, seed: int, level: float = 0.25) -> Path:
    samples = np.random.default_rng(seed).normal(0, level * 32768, (int(seconds * RATE), 2))
    return write_wav(path, np.clip(samples, -32768, 32767))


def said_by_ffmpeg(*arguments: str | Path) -> str:
    """Run ffmpeg, which makes nothing, and return what it says."""
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-nostats", *map(str, arguments), "-f", "null", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def track(path: Path, **fields: Any) -> dict[str, Any]:
    return {"uri": uri(path), **fields}


def clip(path: Path, duration: str | None = None, **fields: Any) -> dict[str, Any]:
    """A clip of a video; fields of the clip itself are `transition`."""
    transition = {"transition": fields.pop("transition")} if "transition" in fields else {}
    return {"video": {"uri": uri(path), **fields}, **({"duration": duration} if duration else {}), **transition}


def crossfade(duration: str) -> dict[str, str]:
    return {"type": "crossfade", "duration": duration}


def film_of(path: Path, duration_s: Fraction | None = None) -> ProbedSource:
    """What is known of a video that a sound stands for; its pictures last as long as the sound, or as said."""
    claimed_s = check_audio(Source("test", uri(path), path))
    return ProbedSource("video", 160, 90, duration_s=duration_s or claimed_s, fps=Fraction(25), has_sound=True)


def project(
    tmp_path: Path,
    clips: Sequence[Mapping[str, Any]],
    files: Sequence[Path],
    *,
    audio: Mapping[str, Any] | None = None,
    overlays: Sequence[Mapping[str, Any]] = (),
    probed: Mapping[Path, ProbedSource] | None = None,
) -> RenderPlan:
    """Plan a timeline. A clip's sound is a WAV as well as a video: no picture of it is looked at here."""
    request = Studio(tmp_path / "scratch").request(clips, files=files)
    more = {"audio": audio, "overlays": list(overlays)}
    spec = VideoJobSpec.model_validate(request.settings.spec.to_dict() | more)
    request = replace(request, settings=request.settings.model_copy(update={"spec": spec}))
    known = {path: film_of(path) for path in files} | dict(probed or {})
    return build_render_plan(request, {uri(path): each for path, each in known.items()})


def opened(
    plan: RenderPlan,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Soundtrack | None:
    """Open the soundtrack of a plan."""
    return open_soundtrack(
        plan.sounds,
        plan.timeline,
        loudness=plan.loudness,
        folder=plan.scratch,
        cancelled=cancelled,
        on_progress=on_progress,
    )


def play(plan: RenderPlan) -> Wave:
    """Return the mix as `(2, n) float32`, and check what holds of every one."""
    told: list[float] = []
    soundtrack = opened(plan, on_progress=told.append)
    assert soundtrack is not None
    assert told == sorted(told)
    assert told[-1] == 1.0
    blocks = list(soundtrack.blocks(1000))
    assert all(block.shape == (2, 1000) for block in blocks[:-1])
    out = np.concatenate(blocks, axis=1)
    assert out.shape[1] == soundtrack.samples == plan.timeline.samples
    soundtrack.close()
    assert not list(plan.scratch.iterdir())
    return out


def babble(seconds: float, seed: int = 1, rate: int = RATE) -> Wave:
    """Return `(n,)` of noise below 3 kHz, which every codec keeps, and which is like nothing but itself."""
    count = int(seconds * rate)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    frequencies = np.fft.rfftfreq(count, 1 / rate)
    spectrum[(frequencies < 100) | (frequencies > 3000)] = 0
    samples = np.fft.irfft(spectrum, count)
    return np.asarray(0.6 * samples / np.abs(samples).max())


def find(sought: Wave, heard: Wave) -> tuple[int, float]:
    """Return at which sample what is heard is like what is sought, and how like: 1 is the same. Both are `(n,)`."""
    size = 1 << (len(heard) + len(sought)).bit_length()
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sought, size)), size)
    at = int(np.argmax(match[: len(heard)]))
    there = heard[at : at + len(sought)]
    power = float(np.square(there).sum() * np.square(sought[: len(there)]).sum())
    return at, float((there * sought[: len(there)]).sum()) / max(power, 1e-12) ** 0.5
