"""Prints a SHA-256 of every sample's plan and of every file that it renders to, at one and at two threads, as JSON.

For a change that should change nothing that is seen: run it before and after, and compare.

    .venv/bin/python -m hack.fingerprint > before.json
    .venv/bin/python -m hack.fingerprint --compare before.json    # exits with 1 and names what differs

What it says holds on one machine only: encoders choose their ways by the processor.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from hack import media, samples

THREADS = (1, 2)

Fingerprints = dict[str, str]


def main() -> int:
    """Print the fingerprints, or what differs from earlier ones; 1 when something does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compare", type=Path, metavar="FILE", help="fingerprints that an earlier run printed")
    parser.add_argument("--plans", action="store_true", help="compare plans alone, and render nothing")
    parser.add_argument("samples", nargs="*", help="samples, such as slideshow; default: all")
    arguments = parser.parse_args()
    names = arguments.samples or samples.VIDEOJOBS
    found: Fingerprints = {}
    with tempfile.TemporaryDirectory(prefix="videojob-fingerprint-") as folder:
        volume = Path(folder) / "media"
        volume.mkdir()
        media.copy_to(volume)
        for name in names:
            for threads in THREADS:
                print(f"{name}, {threads} threads", file=sys.stderr)
                found |= _plan(name, threads, volume)
                if not arguments.plans:
                    found |= _rendered(name, threads, volume, Path(folder) / f"{name}-{threads}")
    if arguments.compare is None:
        print(json.dumps(found, indent=1))
        return 0
    before: Fingerprints = json.loads(arguments.compare.read_text())
    looked_at = {key: value for key, value in before.items() if key.split("/")[0] in names}
    if arguments.plans:
        looked_at = {key: value for key, value in looked_at.items() if key.endswith("/plan")}
    differing = sorted(key for key in looked_at.keys() | found if looked_at.get(key) != found.get(key))
    for key in differing:
        print(f"differs: {key}")
    print(f"{len(looked_at)} compared, {len(differing)} differ")
    return 1 if differing or not looked_at else 0


def _plan(name: str, threads: int, volume: Path) -> Fingerprints:
    said = _videojob("plan", name, threads, volume, "--output", "json")
    return {f"{name}/{threads}/plan": hashlib.sha256(said).hexdigest()}


def _rendered(name: str, threads: int, volume: Path, out: Path) -> Fingerprints:
    _videojob("render", name, threads, volume, "--out", str(out), "--json")
    return {
        f"{name}/{threads}/{path.relative_to(out)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def _videojob(verb: str, name: str, threads: int, volume: Path, *options: str) -> bytes:
    program = str(Path(sys.executable).parent / "videojob")
    manifest = str(samples.manifest(name))
    command = [program, verb, manifest, "--threads", str(threads), "--volume", f"media={volume}", *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    sys.exit(main())
