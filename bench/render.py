"""Measures the engine beside MoviePy and ffmpeg, in one run on one machine.

Run by `make bench`: prints tables and writes .bench/render.json. Each way runs as a process of its own, one after
another. Quality is against a lossless encode of the engine's own frames, and so only given for ways that encode these.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import worker_start
from bench.by_moviepy import AS_MOST_WRITE_IT
from bench.measure import Measurement, compare, import_s, measure
from bench.works import FULL, QUICK, WORKS, Work

_RESULTS = Path(__file__).parents[1] / ".bench"
_WORKER = "worker"
_SHORT_RUNS = 5
"""Of ways that take a moment; the middle one counts."""
_START_GOAL_S = 0.3
_MOST_LOSS_DB, _MOST_SIZE = 0.3, 1.05
"""How far below plain x264, and how much larger, a render may be for its time to count."""


def main() -> None:
    """Run what is asked for, and show what it took."""
    rows = [*WORKS, _WORKER]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small pictures and few: tries the benchmark itself")
    parser.add_argument("--rows", nargs="+", choices=rows, default=rows, metavar="ROW", help=", ".join(rows))
    parser.add_argument("--skip", nargs="+", default=[], metavar="WAY", help="ways to leave out, such as moviepy")
    arguments = parser.parse_args()
    started, load = datetime.now(UTC).isoformat(timespec="seconds"), os.getloadavg()
    found: dict[str, Any] = {}
    lines: list[str] = []
    for name in arguments.rows:
        if name == _WORKER:
            found[name] = _worker(1 if arguments.quick else 10)
        else:
            found[name] = _row(name, "QUICK" if arguments.quick else "FULL", arguments.skip)
            lines.append(_line(WORKS[name], found[name]))
    if lines:
        print("\n| work | ours | of MoviePy | of ffmpeg | against plain x264 | memory | of encoding alone, CPU |")
        print("|---|---|---|---|---|---|---|", *lines, sep="\n")
    report = {
        "started": started,
        "command": " ".join(sys.argv),
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.platform(),
        "load_before": load,
        "load_after": os.getloadavg(),
        "versions": {package: version(package) for package in ("av", "moviepy", "numpy", "pillow")},
        "rows": found,
    }
    _RESULTS.mkdir(exist_ok=True)
    (_RESULTS / "render.json").write_text(json.dumps(report, indent=2) + "\n")


def _row(name: str, scale: str, skip: list[str]) -> dict[str, Any]:
    work = WORKS[name]
    copied = work.make({"FULL": FULL, "QUICK": QUICK}[scale]).copied  # and the media are there, before time is taken
    ways = ["ours", *([] if copied else ["plain", "frames"]), "ffmpeg", "moviepy"]
    ways += ["moviepy-usual"] if name in AS_MOST_WRITE_IT else []
    ways = [way for way in ways if way not in skip]
    runs: dict[str, list[Measurement]] = {way: [] for way in ways}
    with TemporaryDirectory(prefix="videojob-bench-") as folder:
        reference = Path(folder, "lossless.mp4")
        if not copied:
            _measured(name, "lossless", scale, reference)
        for way in [*ways, *_short(ways) * (_SHORT_RUNS - 1)] if copied else ways:
            output = Path(folder, f"{way}.mp4")
            runs[way].append(_measured(name, way, scale, output))
            if way in ("ours", "plain") and reference.exists() and output.exists():
                compare(runs[way][0], output, reference)
            output.unlink(missing_ok=True)
    measured = {way: sorted(each, key=lambda run: run.wall_s)[len(each) // 2] for way, each in runs.items()}
    _show(work, measured)
    return {"title": work.title, "ways": [asdict(each) for each in measured.values()], **_judged(work, measured)}


def _short(ways: list[str]) -> list[str]:
    """Return the ways that take a moment where nothing is encoded."""
    return [way for way in ways if not way.startswith("moviepy")]


def _measured(name: str, way: str, scale: str, output: Path) -> Measurement:
    print(f"{name}: {way} ...", end="", file=sys.stderr, flush=True)
    measured = measure(name, way, scale, output)
    print(f" {measured.error or f'{measured.wall_s:.1f} s'}", file=sys.stderr, flush=True)
    if measured.error and way in ("ours", "lossless"):
        raise SystemExit(f"{name}: {way}: {measured.error}")
    return measured


def _judged(work: Work, measured: dict[str, Measurement]) -> dict[str, Any]:
    """Compare what was measured with the goals: ratios of wall times, quality, size, and what is left to save."""
    ours, judged = measured["ours"], dict[str, Any]()
    for way, goal in (("moviepy", work.against_moviepy), ("ffmpeg", work.against_ffmpeg)):
        other = measured.get(way)
        if other is not None and other.error is None:
            judged[f"times_{way}"], judged[f"goal_{way}"] = other.wall_s / ours.wall_s, goal
    plain, frames = measured.get("plain"), measured.get("frames")
    if plain is not None and frames is not None and ours.psnr_db and plain.psnr_db:
        encoding_s = plain.cpu_s - frames.cpu_s
        judged |= {
            "psnr_to_plain_db": ours.psnr_db - plain.psnr_db,
            "size_to_plain": (ours.video_mb or 0.0) / (plain.video_mb or 1.0),
            "encoding_alone": {"cpu_s": encoding_s, "wall_s": plain.waited_s},
            "shares_of_encoding_alone": {
                "all": ours.cpu_s / encoding_s,
                "making frames": frames.cpu_s / encoding_s,
                "the rest": (ours.cpu_s - frames.cpu_s) / encoding_s,
            },
        }
        judged["counts"] = judged["psnr_to_plain_db"] >= -_MOST_LOSS_DB and judged["size_to_plain"] <= _MOST_SIZE
    if work.memory_mb is not None:
        judged |= {"peak_mb": ours.peak_mb, "goal_mb": work.memory_mb}
    return judged


def _show(work: Work, measured: dict[str, Measurement]) -> None:
    own = measured["ours"].wall_s
    print(f"\n{work.title}\n")
    print("| way | wall | CPU | peak memory | SSIM | PSNR | worst frame | size | ours is faster by |")
    print("|---|---|---|---|---|---|---|---|---|")
    for each in measured.values():
        if each.error is not None:
            print(f"| {each.way} | {each.error} | | {each.peak_mb:.0f} MB | | | | | |")
            continue
        ssim = f"{each.ssim:.5f}" if each.ssim else ""
        psnr, worst = (f"{value:.2f} dB" if value else "" for value in (each.psnr_db, each.worst_db))
        size = f"{each.size_mb:.2f} MB" if each.size_mb else ""
        ratio = "" if each.way in ("ours", "frames") else f"{each.wall_s / own:.1f}x"
        print(
            f"| {each.way} | {_s(each.wall_s)} | {each.cpu_s:.1f} s | {each.peak_mb:.0f} MB "
            f"| {ssim} | {psnr} | {worst} | {size} | {ratio} |",
            flush=True,
        )


def _line(work: Work, row: dict[str, Any]) -> str:
    ours = row["ways"][0]
    times = [
        f"{row[f'times_{way}']:.1f}x (goal {row[f'goal_{way}']:g}x)" if f"times_{way}" in row else ""
        for way in ("moviepy", "ffmpeg")
    ]
    quality = share = ""
    if "counts" in row:
        quality = f"{row['psnr_to_plain_db']:+.2f} dB, {row['size_to_plain']:.0%} of the size"
        share = f"{row['shares_of_encoding_alone']['all']:.0%}"
    memory = f"{ours['peak_mb']:.0f} MB" + (f" (goal {work.memory_mb:.0f})" if work.memory_mb else "")
    return f"| {work.title} | {_s(ours['wall_s'])} | {' | '.join(times)} | {quality} | {memory} | {share} |"


def _s(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds > 1 else f"{seconds:.2f} s"


def _worker(rounds: int) -> dict[str, Any]:
    """Measure how soon a worker is there, and how soon it shows progress."""
    print(f"{_WORKER} ...", file=sys.stderr, flush=True)
    times = asyncio.run(worker_start.measure(rounds))
    claims = times["warm: enqueue to claimed"]

    def after_claim(what: str) -> list[float]:
        return [later - claimed for claimed, later in zip(claims, times[f"warm: enqueue to {what}"], strict=True)]

    seconds = {
        "first progress after the claim": after_claim("first progress"),
        "first frames after the claim": after_claim("first frames"),
        "importable": [import_s("videojob_worker.main")],
        "claimable after its process starts": times["start to claimable"],
    }
    print("\nworker\n\n| | median | worst | goal |\n|---|---|---|---|")
    for what, each in seconds.items():
        goal = f"{_START_GOAL_S * 1000:.0f} ms" if what != "claimable after its process starts" else ""
        print(f"| {what} | {statistics.median(each) * 1000:.0f} ms | {max(each) * 1000:.0f} ms | {goal} |", flush=True)
    return {"seconds": seconds, "goal_s": _START_GOAL_S}


if __name__ == "__main__":
    main()
