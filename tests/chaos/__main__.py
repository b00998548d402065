"""Chaos: `python -m tests.chaos --seed 7 --rounds 10 --jobs 100`, by `make chaos`.

Each round applies VideoJobs, lets things fail, and then looks whether each VideoJob has ended as it should, nothing ran
twice and nothing is left over. A round is made from its seed and its number, to be played again with `--first` and
`--rounds 1`.
"""

import argparse
import asyncio
import logging
import secrets
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.chaos import faults
from tests.chaos.rounds import play
from tests.chaos.scene import scene
from tests.integration.apiserver import running


async def chaos(options: argparse.Namespace) -> int:
    """Play rounds; return how many went wrong."""
    kinds = faults.OF_WORKERS if options.real else faults.FAULTS
    if options.only:
        kinds = tuple(getattr(faults, name) for name in options.only)
    wrong, jobs, ends, all_faults = 0, 0, Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="videojob-chaos-") as folder, running(Path(folder)) as apiserver:
        for number in range(options.first, options.first + options.rounds):
            seed = f"{options.seed} {number}"
            async with scene(apiserver, real=options.real) as made:
                try:
                    done = await play(made, seed, jobs=options.jobs, faults=options.faults, kinds=kinds)
                except AssertionError as error:
                    wrong += 1
                    again = f"--seed {options.seed} --first {number} --rounds 1 --jobs {options.jobs}"
                    again += " --real" if options.real else ""
                    print(f"round {seed} WRONG: {error}\n  again: make chaos ARGS='{again}'", flush=True)
                    for replica in made.replicas:
                        kept = (
                            Path(tempfile.gettempdir()) / f"videojob-chaos-{seed.replace(' ', '-')}-{replica.log.name}"
                        )
                        kept.write_bytes(replica.log.read_bytes())
                        print(f"  log: {kept}", flush=True)
                    continue
                jobs, ends, all_faults = jobs + done.jobs, ends + done.ends, all_faults + done.faults
                print(f"round {seed}: {done.jobs} jobs, {done.faults.total()} faults, {done.took_s:.0f} s", flush=True)
    print(f"{jobs} VideoJobs through {all_faults.total()} faults: {dict(ends)}; {wrong} rounds went wrong")
    print(f"faults: {dict(all_faults)}")
    return wrong


def main() -> None:
    """Play, and exit with 1 if something went wrong."""
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--faults", type=int, default=12)
    parser.add_argument("--only", nargs="*", help="names of faults, instead of all")
    parser.add_argument("--real", action="store_true", help="workers that render; some seconds each")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO if options.verbose else logging.ERROR, format="%(asctime)s %(message)s")
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # of the proxies: to lose connections is their work
    print(f"seed {options.seed}", flush=True)
    sys.exit(1 if asyncio.run(chaos(options)) else 0)


if __name__ == "__main__":
    main()
