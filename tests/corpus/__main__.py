"""Renders every file of a folder beside ffmpeg, Pillow and Chromium, and tells which come out right, wrong or refused.

Run by `make corpus DIR=...`, over any media: test files of players, photographs of a phone, what a recorder wrote.
A file that the other programs do not play either is not counted. Chromium is asked, where it is installed, about what
does not come out as the others show it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
from collections import Counter
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.corpus.exclusions import exclusion_of, is_cut_short
from tests.corpus.kinds import COMPARE, canvas, kind_of
from tests.corpus.oracles import UnreadableError, has_pictures
from videojob_cli.checks import check_document
from videojob_cli.files import VIDEOJOB, Document
from videojob_cli.render import assignment_of
from videojob_contract.errors import VideoJobError
from videojob_worker.pipeline import AttemptContext, run_attempt
from videojob_worker.renderer.process import RendererProcess
from videojob_worker.renderer.sandbox import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from videojob_contract.assignment import Progress

_MEMORY_BYTES = 4 * 1024**3
_DEADLINE_S = 60
_UNCOUNTED = ("unplayable", "excluded")
_FINE = {"right", *_UNCOUNTED}


@dataclass(frozen=True)
class Verdict:
    """What became of a file."""

    path: str
    kind: str
    verdict: str
    """right, wrong, refused, unforeseen; unplayable where the others do not play it either, or excluded."""
    why: str = ""


class _RefusedError(Exception):
    pass


class _Silent:
    def report(self, progress: Progress) -> None:
        """Take a report."""


def judge(path: Path) -> Verdict:
    """Render a file, and compare."""
    kind = kind_of(path) or ""
    if kind == "video" and not has_pictures(path):
        kind = "sound"
    if reason := exclusion_of(path, kind):
        return Verdict(str(path), kind, "excluded", reason)
    with tempfile.TemporaryDirectory(prefix="videojob-corpus-") as name:
        try:
            why = COMPARE[kind](path, lambda spec: _render(spec, path, Path(name)))
        except UnreadableError as error:
            return Verdict(str(path), kind, "unplayable", str(error))
        except (_RefusedError, VideoJobError) as error:
            if kind == "sound" and "cut short" in str(error) and is_cut_short(path):
                return Verdict(str(path), kind, "excluded", "cut off: much less than its header promises")
            return Verdict(str(path), kind, "refused", str(error))
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return Verdict(str(path), kind, "unforeseen", f"{type(error).__name__}: {error}")
    return Verdict(str(path), kind, "wrong" if why else "right", why)


def _render(spec: dict[str, Any], path: Path, folder: Path) -> Path:
    """Render a spec with the file as `volume://media/file`; returns the only output."""
    resource = {
        "apiVersion": "videojob.dev/v1alpha1",
        "kind": VIDEOJOB,
        "metadata": {"name": "corpus"},
        "spec": {"canvas": canvas(), "deadline": f"{_DEADLINE_S}s", **spec},
    }
    assignment = assignment_of(check_document(Document(path, resource, {})))
    media, scratch, out = (folder / name for name in ("media", "scratch", "out"))
    for each in (media, scratch, out):
        each.mkdir()
    (media / "file").write_bytes(path.read_bytes())

    async def run() -> None:
        async with RendererProcess(Limits(_MEMORY_BYTES), scratch) as renderer:
            volumes = {"media": media, "videojob-output": out}
            result = await run_attempt(assignment, _Silent(), AttemptContext(volumes, scratch, renderer, threads=1))
        if result.result != "succeeded":
            raise _RefusedError(f"{result.reason}: {result.message}")

    asyncio.run(run())
    [made] = [file for file in out.rglob("*") if file.is_file()]
    return made


async def _judge_all(paths: Sequence[Path], jobs: int, log: IO[str] | None) -> list[Verdict]:
    verdicts: list[Verdict] = []
    free = asyncio.Semaphore(jobs)

    async def one(path: Path) -> None:
        async with free:
            verdict = await asyncio.to_thread(judge, path)
        verdicts.append(verdict)
        if log:
            print(json.dumps(asdict(verdict)), file=log, flush=True)
        if verdict.verdict not in _FINE:
            print(f"{verdict.verdict}: {path}: {verdict.why}", flush=True)
        if not sys.stderr.isatty():
            return
        counts = Counter(verdict.verdict for verdict in verdicts)
        said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        print(f"\r{len(verdicts)} of {len(paths)}: {said}\033[K", end="", file=sys.stderr, flush=True)

    await asyncio.gather(*map(one, paths))
    return sorted(verdicts, key=lambda verdict: (verdict.kind, verdict.verdict, verdict.path))


def table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield the shares of each kind, and what is not counted."""
    yield ""
    yield f"{'KIND':10} {'PLAYABLE':>8} {'RIGHT':>7} {'WRONG':>7} {'REFUSED':>8} {'UNFORESEEN':>10}"
    for kind in COMPARE:
        counts = Counter(verdict.verdict for verdict in verdicts if verdict.kind == kind)
        total = counts.total() - sum(counts[name] for name in _UNCOUNTED)
        if total:
            shares = (100 * counts[name] / total for name in ("right", "wrong", "refused", "unforeseen"))
            right, wrong, refused, unforeseen = shares
            yield f"{kind:10} {total:8} {right:6.1f}% {wrong:6.1f}% {refused:7.1f}% {unforeseen:9.1f}%"
    reasons = Counter(verdict.why for verdict in verdicts if verdict.verdict == "excluded")
    if reasons:
        yield ""
        yield f"{'NOT COUNTED':>11}"
        yield from (f"{count:11}  {reason}" for reason, count in reasons.most_common())


def main() -> int:
    """Compare; the exit status tells whether there was anything that is not right."""
    parser = argparse.ArgumentParser(prog="make corpus", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="of media, with all its folders")
    parser.add_argument(
        "--sample", type=int, help="of each suffix at most so many files, by chance but always the same"
    )
    parser.add_argument("--kind", choices=tuple(COMPARE), help="only files of this kind")
    parser.add_argument("--jobs", type=int, default=2, help="files side by side (default: 2)")
    parser.add_argument("--json", type=Path, help="write a line of JSON for each file to this one")
    asked = parser.parse_args()
    logging.disable()  # what fails is told by its verdict
    if not asked.folder.is_dir():
        parser.error(f"{asked.folder} is not a folder")
    kinds = {asked.kind} if asked.kind else set(COMPARE)
    paths = sorted(path for path in asked.folder.rglob("*") if path.is_file() and kind_of(path) in kinds)
    with asked.json.open("w") if asked.json else nullcontext() as log:
        verdicts = asyncio.run(_judge_all(list(_sampled(paths, asked.sample)), asked.jobs, log))
    for line in table(verdicts):
        print(line)
    return any(verdict.verdict not in _FINE for verdict in verdicts)


def _sampled(paths: Sequence[Path], most: int | None) -> Iterator[Path]:
    """Take at most so many of each suffix."""
    shuffled = list(paths)
    random.Random(0).shuffle(shuffled)
    seen: Counter[str] = Counter()
    for path in shuffled:
        seen[path.suffix.lower()] += 1
        if most is None or seen[path.suffix.lower()] <= most:
            yield path


if __name__ == "__main__":
    sys.exit(main())
