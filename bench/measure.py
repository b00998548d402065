"""Runs one way as a process of its own and measures it; compares what it made with a reference."""

import json
import os
import re
import resource
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SAMPLING_S = 0.05
_TIMEOUT_S = 3600


@dataclass
class Measurement:
    """What one way took and made; `error` when it did not end well."""

    way: str
    wall_s: float = 0.0
    cpu_s: float = 0.0
    """Of the process and its children."""
    peak_mb: float = 0.0
    """Resident memory of the process and its children, together, at the worst moment; shared pages count in each."""
    size_mb: float = 0.0
    video_mb: float | None = None
    """Without sound and container."""
    ssim: float | None = None
    psnr_db: float | None = None
    worst_db: float | None = None
    """PSNR of the worst frame."""
    waited_s: float | None = None
    """For the encoder."""
    error: str | None = None


def measure(work: str, way: str, scale: str, output: Path) -> Measurement:
    """Run `bench.way`."""
    command = [sys.executable, "-m", "bench.way", work, way, scale, str(output)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=_ROOT, env=_environment()
    ) as process:
        sampler = _MemorySampler(process.pid)
        try:
            printed, said = process.communicate(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return Measurement(way, error=f"did not end in {_TIMEOUT_S} s")
        finally:
            peak_mb = sampler.stop()
    if process.returncode:
        lines = said.strip().splitlines() or [f"ended with {process.returncode}"]
        return Measurement(way, peak_mb=peak_mb, error=lines[-1])
    size_mb = output.stat().st_size / 1e6 if output.exists() else 0.0
    return Measurement(way, peak_mb=peak_mb, size_mb=size_mb, **json.loads(printed))


def compare(measured: Measurement, made: Path, reference: Path) -> None:
    """Fill in the size of the video alone, and SSIM and PSNR against a reference, by ffmpeg's filters."""
    packets = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=size", "-of", "csv=p=0"]
    sizes = subprocess.run([*packets, str(made)], check=True, capture_output=True, text=True).stdout
    measured.video_mb = sum(int(size.strip(",")) for size in sizes.split()) / 1e6
    frames = made.with_suffix(".psnr")
    graph = f"[0]split[a][b];[1]split[c][d];[a][c]psnr=stats_file={frames};[b][d]ssim"
    command = ["ffmpeg", "-nostdin", "-i", str(made), "-i", str(reference), "-lavfi", graph, "-f", "null", "-"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    measured.ssim, measured.psnr_db = (
        _found(r"SSIM .*All:([0-9.]+)", said),
        _found(r"PSNR .*average:([0-9.inf]+)", said),
    )
    measured.worst_db = min(float(value) for value in re.findall(r"psnr_avg:([0-9.inf]+)", frames.read_text()))


def import_s(module: str) -> float:
    """Return the seconds, the best of three, that importing a module takes beyond starting Python."""
    timed = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", timed], check=True, capture_output=True, text=True, env=_environment())
        for _ in range(3)
    ]
    return min(float(run.stdout) for run in runs)


def _environment() -> dict[str, str]:
    # What is installed has its bytecode beside it, and images hold it: compiling is no part of a render.
    cache = Path(os.environ.get("VIDEOJOB_CACHE") or Path.home() / ".cache" / "videojob") / "bytecode"
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPYCACHEPREFIX": str(cache)}


def _found(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"ffmpeg printed nothing like {pattern}")
    return float(found[1])


class _MemorySampler(threading.Thread):
    """Watches the resident memory of a process and all its descendants."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._stopped = threading.Event()
        self._peak_bytes = 0
        self.start()

    def run(self) -> None:
        """Sample until stopped."""
        while not self._stopped.wait(_SAMPLING_S):
            self._peak_bytes = max(self._peak_bytes, _tree_bytes(self._pid))

    def stop(self) -> float:
        """Return the peak in MB."""
        self._stopped.set()
        self.join()
        return self._peak_bytes / 1e6


def _tree_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (OSError, IndexError):  # it has just ended
        return 0
    return pages * resource.getpagesize() + sum(_tree_bytes(child) for child in children)
