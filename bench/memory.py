"""Compares the peak of memory that a plan predicts with the one that its render has.

Run by `make bench-memory`: prints a table of every sample, of the benchmark's works and of large sources, at one and at
two threads, and writes .bench/memory.json; exits with 1 where a prediction is off by more than `LEAST` to `MOST`. Each
render is a process of its own, and its peak is what Linux says of it, libraries and shared pages counted.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.memory_of import NAMES
from hack import media

ROOT = Path(__file__).resolve().parents[1]
THREADS = (1, 2)
LEAST, MOST = -0.10, 0.50
"""How far a prediction may be below and above the peak, as shares of the peak."""


@dataclass(frozen=True)
class Peaks:
    """What a render was to take, and took, in bytes."""

    predicted: int
    measured: int

    @property
    def error(self) -> float:
        """How far the prediction is above the peak, as a share of it."""
        return self.predicted / self.measured - 1


def main() -> int:
    """Measure what is asked for; 1 where a prediction is off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help="; ".join(NAMES))
    arguments = parser.parse_args()
    print("| render | threads | predicted, MiB | measured, MiB | off by |\n|---|---|---|---|---|")
    found: dict[str, Peaks] = {}
    with TemporaryDirectory(prefix="videojob-memory-") as folder:
        media.copy_to(Path(folder))
        for name in arguments.only:
            for threads in THREADS:
                command = [sys.executable, "-m", "bench.memory_of", name, str(threads), folder]
                made = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout
                peaks = found[f"{name}/{threads}"] = Peaks(**json.loads(made))
                mib = [f"{size / 1024**2:.0f}" for size in (peaks.predicted, peaks.measured)]
                off = "" if LEAST <= peaks.error <= MOST else " **!**"
                print(f"| {name} | {threads} | {' | '.join(mib)} | {peaks.error:+.0%}{off} |", flush=True)
    results = ROOT / ".bench"
    results.mkdir(exist_ok=True)
    (results / "memory.json").write_text(json.dumps({name: vars(peaks) for name, peaks in found.items()}, indent=1))
    return 0 if all(LEAST <= peaks.error <= MOST for peaks in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
