"""Renders broken media and odd specs for a bounded time, as a worker does, and tells what should not happen.

Run by `make fuzz`. Each case is made from a number, the seed, and the number of the case, so that it can be run again.
A fault is: the worker's own code failing in a way that nobody foresaw, a renderer that crashes or is out of hand, a
message that does not name what is wrong, anything left in the scratch folder, or a file outside the job in an output.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import yaml

from tests.fuzz.corpus import make_corpus
from tests.fuzz.mutate import mutate
from tests.fuzz.specs import make_spec
from videojob_cli.checks import check_document
from videojob_cli.files import Document
from videojob_cli.render import assignment_of
from videojob_contract.problems import SpecError
from videojob_worker.pipeline import AttemptContext, run_attempt
from videojob_worker.renderer.process import RendererProcess
from videojob_worker.renderer.sandbox import Limits

if TYPE_CHECKING:
    from videojob_contract.assignment import Progress, Result

DEADLINE_S = 20
GRACE_S = 5
MEMORY_BYTES = 1536 * 1024**2
BROKEN_SHARE = 0.3  # of the files of a case: were all broken, the first would end it
CANARY = b"canary: no job has named this file"
# What says that nobody foresaw it: the catch-alls of the worker and of the renderer.
UNFORESEEN = re.compile(
    r"\bfailed: [A-Z]\w*(Error|Exception|Warning)\b|answered nonsense|the renderer (was ended|crashed)"
)
NAMED = re.compile(r"spec\.|out of memory|deadline|disk")


@dataclass
class Tally:
    """How cases ended."""

    succeeded: int = 0
    refused: int = 0
    failed: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many there were."""
        return self.succeeded + self.refused + self.failed + len(self.faults)


class Silent:
    """A reporter that tells nobody."""

    def report(self, progress: Progress) -> None:
        """Take a report."""


@dataclass(frozen=True)
class Bench:
    """Where cases are run."""

    folder: Path
    corpus: dict[str, bytes]
    kept: Path
    seed: int

    async def run(self, number: int, tally: Tally) -> None:
        """Run one case and count how it ends."""
        random = Random(f"{self.seed}-{number}")
        place = self.folder / str(number)
        media, scratch, out = place / "media", place / "scratch", place / "out"
        for each in (media, scratch, out):
            each.mkdir(parents=True)
        contents = list(self.corpus.values())
        for name, content in self.corpus.items():
            broken = random.random() < BROKEN_SHARE
            (media / name).write_bytes(mutate(random, content, random.choice(contents)) if broken else content)
        spec = make_spec(random, sorted(self.corpus))
        fault = await self._fault(spec, media, scratch, out, tally)
        if fault:
            tally.faults.append(f"case {number}: {fault}")
            shutil.copytree(media, self.kept / str(number) / "media", dirs_exist_ok=True)
            (self.kept / str(number) / "job.yaml").write_text(yaml.safe_dump(_resource(spec), allow_unicode=True))
        shutil.rmtree(place)

    async def _fault(self, spec: dict[str, Any], media: Path, scratch: Path, out: Path, tally: Tally) -> str:
        """Run a case; returns what should not have happened, or nothing."""
        try:
            checked = check_document(Document(media, _resource(spec), {}))
        except SpecError:
            tally.refused += 1
            return ""
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return f"the check of the spec failed: {type(error).__name__}: {error}"
        assignment = assignment_of(checked).model_copy(update={"deadline": DEADLINE_S, "soft_deadline": DEADLINE_S})
        volumes = {"fuzz": media, "out": out, "videojob-output": out}
        started = time.monotonic()
        async with RendererProcess(Limits(MEMORY_BYTES), scratch) as renderer:
            result = await run_attempt(assignment, Silent(), AttemptContext(volumes, scratch, renderer, threads=2))
        elapsed = time.monotonic() - started
        if elapsed > DEADLINE_S + GRACE_S:
            return f"took {elapsed:.0f} s with a deadline of {DEADLINE_S} s"
        if left := sorted(path.name for path in scratch.iterdir()):
            return f"left in the scratch folder: {', '.join(left)}"
        if any(CANARY in path.read_bytes() for path in out.rglob("*") if path.is_file()):
            return "a file that no job named is in an output"
        return _judge(result, tally)


def _judge(result: Result, tally: Tally) -> str:
    if result.result == "succeeded":
        tally.succeeded += 1
        return ""
    if UNFORESEEN.search(result.message) or not NAMED.search(result.message):
        return f"{result.reason}: {result.message}"
    tally.failed += 1
    return ""


def _resource(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "videojob.dev/v1alpha1", "kind": "VideoJob", "metadata": {"name": "fuzz"}, "spec": spec}


async def fuzz(bench: Bench, seconds: float, side_by_side: int, first: int, most: int | None) -> Tally:
    """Run cases until the time is over, or as many as asked for."""
    tally, until = Tally(), time.monotonic() + seconds
    numbers = iter(range(first, first + most) if most else range(first, sys.maxsize))

    async def work() -> None:
        for number in numbers:
            if time.monotonic() > until:
                return
            await bench.run(number, tally)
            said = f"{tally.succeeded} rendered, {tally.refused} refused, {tally.failed} failed as they should"
            print(f"\r{tally.total} cases: {said}, {len(tally.faults)} faults", end="", flush=True)

    await asyncio.gather(*(work() for _ in range(side_by_side)))
    print()
    return tally


def main() -> int:
    """Fuzz; the exit status tells whether there was a fault."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="for how long (default: 60)")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="another seed, other cases (default: the time)"
    )
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--cases", type=int, help="stop after so many")
    parser.add_argument("--jobs", type=int, default=2, help="cases side by side (default: 2)")
    parser.add_argument("--keep", type=Path, default=Path(".fuzz"), help="where cases with faults are kept")
    asked = parser.parse_args()
    logging.disable()  # what fails is told by its result
    print(f"seed {asked.seed}")
    with tempfile.TemporaryDirectory(prefix="videojob-fuzz-") as name:
        folder = Path(name)
        (folder / "canary").write_bytes(CANARY)
        (folder / "corpus").mkdir()
        corpus = {path.name: path.read_bytes() for path in make_corpus(folder / "corpus")}
        bench = Bench(folder, corpus, asked.keep / str(asked.seed), asked.seed)
        tally = asyncio.run(fuzz(bench, asked.seconds, asked.jobs, asked.first, asked.cases))
    for fault in tally.faults:
        print(fault)
    if tally.faults:
        print(f"kept in {bench.kept}; again: make fuzz SEED={asked.seed} FIRST=<case> CASES=1")
    return bool(tally.faults)


if __name__ == "__main__":
    sys.exit(main())
