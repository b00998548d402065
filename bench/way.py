"""One way to make one work: `python -m bench.way WORK WAY FULL|QUICK OUTPUT`, so that each is a process of its own.

Prints what it took as JSON, from when its libraries are loaded: a worker has them before its first claim.
"""

import importlib
import json
import resource
import sys
import time
from pathlib import Path

from bench import by_engine, by_ffmpeg, by_moviepy
from bench.works import FULL, QUICK, WORKS

_LIBRARY = {"ffmpeg": "subprocess", "moviepy": "moviepy", "moviepy-usual": "moviepy"}
_ENGINE = "videojob_worker.engine"


def main() -> None:
    """Make it."""
    work, way, scale, output = sys.argv[1:]
    job = WORKS[work].make({"FULL": FULL, "QUICK": QUICK}[scale])
    makers = {
        **by_engine.WAYS,
        "ffmpeg": by_ffmpeg.BY_WORK[work],
        "moviepy": by_moviepy.BY_WORK[work],
        "moviepy-usual": by_moviepy.AS_MOST_WRITE_IT.get(work),
    }
    make = makers[way]
    if make is None:
        raise SystemExit(f"{work} is not written in this way: {way}")
    library = importlib.import_module(_LIBRARY.get(way, _ENGINE))
    if library.__name__ == _ENGINE:
        library.preload()
    wall, cpu = time.perf_counter(), _cpu_s()
    waited_s = make(job, Path(output))
    took = {"wall_s": time.perf_counter() - wall, "cpu_s": _cpu_s() - cpu, "waited_s": waited_s}
    print(json.dumps(took))


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    main()
