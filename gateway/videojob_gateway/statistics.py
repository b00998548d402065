"""What became of VideoJobs: how many, how often well, how long they waited and took. Pure: records in, numbers out.

Of those that there still are: how long they stay is their pool's `history` and `ttlAfterFinished`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from videojob_contract.resources.status import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from videojob_gateway.job_cache import JobRecord

MOST_GROUPS: Final = 1000
"""Groups that are told of, the largest first."""
_SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class By(StrEnum):
    """What groups have in common."""

    DAY = "day"
    """On which they were made, in UTC."""
    USER = "user"
    PROJECT = "project"
    POOL = "pool"
    QUEUE = "queue"
    REASON = "reason"


_KEYS: Final[Mapping[By, Callable[[JobRecord], str]]] = {
    By.DAY: lambda record: record.created_at[:10],
    By.USER: lambda record: record.user,
    By.PROJECT: lambda record: record.project,
    By.POOL: lambda record: record.pool,
    By.QUEUE: lambda record: record.queue,
    By.REASON: lambda record: record.reason,
}


def summary(records: Iterable[JobRecord], by: By | None = None) -> dict[str, Any]:
    """Return the numbers of all, and of each group."""
    everything = list(records)
    groups: defaultdict[str, list[JobRecord]] = defaultdict(list)
    if by is not None:
        for record in everything:
            groups[_KEYS[by](record)].append(record)
    largest = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))[:MOST_GROUPS]
    return {"total": _numbers(everything), "groups": [{"key": key, **_numbers(group)} for key, group in largest]}


def _numbers(records: Sequence[JobRecord]) -> dict[str, Any]:
    phases = Counter(record.phase for record in records)
    well, badly = phases[Phase.SUCCEEDED], phases[Phase.FAILED]
    rendered = [record for record in records if record.phase == Phase.SUCCEEDED]
    return {
        "jobs": len(records),
        "phases": {phase.value: phases[phase.value] for phase in Phase},
        "successRate": well / (well + badly) if well + badly else None,
        "waitSeconds": _times(between(record.created_at, record.started_at) for record in records),
        "renderSeconds": _times(between(record.started_at, record.finished_at) for record in rendered),
    }


def between(start: str, end: str) -> float | None:
    """Return the seconds between two times as statuses have them; None unless both are there, and in this order."""
    if not start or not end:
        return None
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return seconds if seconds >= 0 else None


def _times(seconds: Iterable[float | None]) -> dict[str, float] | None:
    """Return mean and percentiles (the least that so many are not above); None of nothing."""
    known = sorted(each for each in seconds if each is not None)
    if not known:
        return None
    at = {name: known[min(len(known) - 1, int(share * len(known)))] for name, share in _SHARES.items()}
    return {"mean": round(sum(known) / len(known), 3), **at}
