"""Measures the render of a slideshow of photographs beside MoviePy and ffmpeg, in one run on one machine.

Run by `make bench`: prints a table and writes .bench/render.json. Each way runs as a process of its own, one after
another. Quality is against a lossless encode of the engine's own frames, and so only given for ways that encode these.
"""

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.photographs import photographs

_HERE = Path(__file__).parent
_RESULTS = _HERE.parent / ".bench"
_MEASURED = ("ours", "plain", "encode-only", "ffmpeg", "moviepy-opaque", "moviepy")
_SAME_FRAMES = ("ours", "plain")
_SAMPLING_S = 0.05


@dataclass
class Measurement:
    """What one way took and made."""

    way: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    """Resident memory of the process and its children, together, at the worst moment; shared pages count in each."""
    size_mb: float
    ssim: float | None = None
    psnr_db: float | None = None


def main() -> None:
    """Run all ways and show what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three photographs instead of ten")
    parser.add_argument("--photographs", type=int, help="how many photographs (default: 10)")
    parser.add_argument("--ways", nargs="+", choices=_MEASURED, default=list(_MEASURED), help="which ways to measure")
    arguments = parser.parse_args()
    count = arguments.photographs or (3 if arguments.quick else 10)
    files = photographs(count)
    started, load_before = datetime.now(UTC), os.getloadavg()
    with TemporaryDirectory(prefix="videojob-bench-") as name:
        folder = Path(name)
        _run("lossless", folder, files)
        measurements = []
        for way in arguments.ways:
            measured = _run(way, folder, files)
            if way in _SAME_FRAMES:
                measured.ssim = _compare(folder, way, "ssim", r"All:([0-9.]+)")
                measured.psnr_db = _compare(folder, way, "psnr", r"average:([0-9.]+)")
            measurements.append(measured)
            print(f"{way}: {measured.wall_s:.1f} s", file=sys.stderr, flush=True)
    _show(measurements)
    report = {
        "started": started.isoformat(timespec="seconds"),
        "command": " ".join(sys.argv),
        "photographs": count,
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.platform(),
        "load_before": load_before,
        "load_after": os.getloadavg(),
        "versions": {package: version(package) for package in ("av", "moviepy", "numpy", "pillow")},
        "measurements": [asdict(measured) for measured in measurements],
    }
    _RESULTS.mkdir(exist_ok=True)
    (_RESULTS / "render.json").write_text(json.dumps(report, indent=2) + "\n")


def _run(way: str, folder: Path, files: list[Path]) -> Measurement:
    output = folder / f"{way}.mp4"
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(_HERE / "ways.py"), way, str(output), *map(str, files)], stdout=subprocess.PIPE, text=True
    )
    sampler = _MemorySampler(process.pid)
    printed, _ = process.communicate()
    wall_s = time.perf_counter() - wall
    peak_mb = sampler.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{way} failed")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if printed.strip():
        wall_s, cpu_s = (float(word) for word in printed.split())
    return Measurement(way, wall_s, cpu_s, peak_mb, output.stat().st_size / 1e6)


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


def _compare(folder: Path, way: str, metric: str, pattern: str) -> float:
    files = ["-i", str(folder / f"{way}.mp4"), "-i", str(folder / "lossless.mp4")]
    done = subprocess.run(
        ["ffmpeg", *files, "-lavfi", metric, "-f", "null", "-"], check=True, capture_output=True, text=True
    )
    found = re.search(pattern, done.stderr)
    if found is None:
        raise SystemExit(f"ffmpeg printed no {metric}")
    return float(found[1])


def _show(measurements: list[Measurement]) -> None:
    own = next((measured.wall_s for measured in measurements if measured.way == "ours"), None)
    print("| way | wall | CPU | peak memory | SSIM | PSNR | size | ours is faster by |")
    print("|---|---|---|---|---|---|---|---|")
    for measured in measurements:
        ssim = f"{measured.ssim:.5f}" if measured.ssim else ""
        psnr = f"{measured.psnr_db:.2f} dB" if measured.psnr_db else ""
        ratio = f"{measured.wall_s / own:.1f}x" if own and measured.way != "ours" else ""
        print(
            f"| {measured.way} | {measured.wall_s:.1f} s | {measured.cpu_s:.1f} s | {measured.peak_mb:.0f} MB "
            f"| {ssim} | {psnr} | {measured.size_mb:.2f} MB | {ratio} |"
        )


if __name__ == "__main__":
    main()
