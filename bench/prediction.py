"""Compares what VideoJobs are predicted to take with what they take, before and after a pool has learnt of others.

Run by `make bench-prediction`: renders every sample through the worker's pipeline, each in a process of its own, one
after another; prints a table, with the median and the ninth decile of how many times a prediction is off; and writes
.bench/prediction.json. What a sample is predicted from is learnt of all the others, never of itself.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from hack import media, samples
from videojob_cli.volumes import local_pool, mounts, redirect_outputs
from videojob_contract.assignment import Assignment, Progress, Result
from videojob_contract.defaults import DEFAULT_DEADLINE, resolve
from videojob_contract.resources.status import Prediction
from videojob_contract.resources.videojob import VideoJobSpec
from videojob_contract.resources.work import NOTHING_LEARNT
from videojob_contract.validation import parse_videojob
from videojob_operator.decide.prediction import estimate_of
from videojob_operator.decide.rates import learn, predict, ratios_of
from videojob_operator.decide.types import Estimate
from videojob_worker.pipeline import AttemptContext, run_attempt
from videojob_worker.renderer.process import RendererProcess
from videojob_worker.renderer.sandbox import Limits

ROOT = Path(__file__).resolve().parents[1]
THREADS = 2


@dataclass(frozen=True)
class Rendered:
    """A sample that was rendered."""

    name: str
    estimate: Estimate
    result: Result


def spec_of(name: str) -> VideoJobSpec:
    """Return a sample with its defaults."""
    job = parse_videojob(yaml.safe_load(samples.manifest(name).read_text()))
    return resolve(job.spec, local_pool(job.spec), namespace="default", name=name)


class _Silent:
    def report(self, progress: Progress) -> None:
        """Tell nobody."""


async def _render(name: str, volume: Path) -> Result:
    spec = spec_of(name)
    deadline = spec.deadline or DEFAULT_DEADLINE
    with TemporaryDirectory(prefix="videojob-prediction-") as folder:
        out, scratch = Path(folder) / "out", Path(folder) / "scratch"
        out.mkdir()
        scratch.mkdir()
        assignment = Assignment(
            uid=name,
            namespace="default",
            name=name,
            attempt=1,
            spec=redirect_outputs(spec, name),
            deadline=deadline,
            soft_deadline=deadline,
        )
        async with RendererProcess(Limits(), scratch) as renderer:
            await asyncio.sleep(3)  # while its libraries are loaded, as those of a warm worker are
            context = AttemptContext(mounts({"media": volume}, out), scratch, renderer, THREADS)
            return await run_attempt(assignment, _Silent(), context)


def predicted(rendered: Rendered, others: Sequence[Rendered]) -> Prediction:
    """Return what a pool predicts of a sample that has seen the others."""
    learnt = NOTHING_LEARNT
    for other in others:
        learnt = learn(learnt, ratios_of(other.result, other.estimate, learnt))
    return predict(rendered.estimate, learnt)


def off(predicted: float, took: float) -> float:
    """Return how many times a prediction is off, either way."""
    return max(predicted / took, took / predicted)


def _line(what: str, each: Sequence[float]) -> str:
    ninth = statistics.quantiles(each, n=10, method="inclusive")[8]
    return f"| {what} | {statistics.median(each):.2f} | {ninth:.2f} |"


def main() -> None:
    """Measure all, or with a name and a folder of media render one and print its result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", nargs=2, metavar=("NAME", "MEDIA"))
    parser.add_argument("--only", nargs="+", choices=samples.VIDEOJOBS, default=samples.VIDEOJOBS, metavar="NAME")
    arguments = parser.parse_args()
    if arguments.one:
        print(asyncio.run(_render(arguments.one[0], Path(arguments.one[1]))).model_dump_json(by_alias=True))
        return
    done: list[Rendered] = []
    with TemporaryDirectory(prefix="videojob-media-") as folder:
        media.copy_to(Path(folder))
        for name in arguments.only:
            command = [sys.executable, "-m", "bench.prediction", "--one", name, folder]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout
            result = Result.model_validate_json(said.splitlines()[-1])
            if result.result != "succeeded":
                raise SystemExit(f"{name}: {result.message}")
            done.append(Rendered(name, estimate_of(spec_of(name)), result))
    print("| sample | took | at first | when learnt | MiB | at first | when learnt |\n|---|---|---|---|---|---|---|")
    others = {each.name: [other for other in done if other is not each] for each in done}
    rows = [(each, predicted(each, []), predicted(each, others[each.name])) for each in done]
    for each, first, later in rows:
        seconds = f"{each.result.render_s:.1f} s | {first.seconds:.1f} s | {later.seconds:.1f} s"
        mib = [size >> 20 for size in (each.result.peak_bytes, first.memory_bytes, later.memory_bytes)]
        print(f"| {each.name} | {seconds} | {mib[0]} | {mib[1]} | {mib[2]} |")
    print("\n| off by a factor of | median | p90 |\n|---|---|---|")
    found = {
        "seconds, at first": [off(first.seconds, each.result.render_s) for each, first, _ in rows],
        "seconds, when learnt": [off(later.seconds, each.result.render_s) for each, _, later in rows],
        "memory, at first": [off(first.memory_bytes, each.result.peak_bytes) for each, first, _ in rows],
        "memory, when learnt": [off(later.memory_bytes, each.result.peak_bytes) for each, _, later in rows],
    }
    for what, each_off in found.items():
        print(_line(what, each_off))
    results = ROOT / ".bench"
    results.mkdir(exist_ok=True)
    (results / "prediction.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
