"""Statistics of VideoJobs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.records import manifest
from videojob_contract.resources.status import Phase
from videojob_gateway.job_cache import JobRecord
from videojob_gateway.statistics import MOST_GROUPS, By, between, summary

DAY = "2026-01-0{}T00:00:{:02}Z"


def job(  # noqa: PLR0917 - rows of a table
    name: str, day: int, user: str, phase: Phase, waits: int, takes: int, reason: str = ""
) -> JobRecord:
    status = {"phase": phase, "startedAt": DAY.format(day, waits), "reason": reason or None}
    if phase.is_final:
        status["finishedAt"] = DAY.format(day, waits + takes)
    return JobRecord.of(manifest(name, at=DAY.format(day, 0), spec={"user": user}, status=status))


JOBS = [
    job("a", 1, "ana", Phase.SUCCEEDED, 1, 10),
    job("b", 1, "ana", Phase.SUCCEEDED, 3, 20),
    job("c", 2, "ana", Phase.FAILED, 5, 50, "SourceNotFound"),
    job("d", 2, "ben", Phase.RUNNING, 7, 0),
    job("e", 2, "", Phase.CANCELLED, 9, 0),
]


def test_all_are_counted_and_measured():
    total = summary(JOBS)["total"]
    assert (total["jobs"], total["phases"]["Succeeded"], total["phases"]["Queued"]) == (5, 2, 0)
    assert total["successRate"] == pytest.approx(2 / 3)
    assert total["waitSeconds"] == {"mean": 5.0, "p50": 5.0, "p90": 9.0, "p99": 9.0}
    assert total["renderSeconds"] == {"mean": 15.0, "p50": 20.0, "p90": 20.0, "p99": 20.0}


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        (By.DAY, {"2026-01-01": 2, "2026-01-02": 3}),
        (By.USER, {"ana": 3, "ben": 1, "": 1}),
        (By.REASON, {"": 4, "SourceNotFound": 1}),
        (By.POOL, {"default": 5}),
        (By.QUEUE, {"default": 5}),
        (By.PROJECT, {"": 5}),
    ],
)
def test_groups_have_it_in_common(by, keys):
    groups = summary(JOBS, by)["groups"]
    assert {group["key"]: group["jobs"] for group in groups} == keys
    assert [group["jobs"] for group in groups] == sorted(keys.values(), reverse=True)


def test_of_nothing_there_is_nothing_to_say():
    assert summary([], By.DAY) == {
        "total": {
            "jobs": 0,
            "phases": dict.fromkeys([phase.value for phase in Phase], 0),
            "successRate": None,
            "waitSeconds": None,
            "renderSeconds": None,
        },
        "groups": [],
    }


@given(st.lists(st.sampled_from(JOBS)), st.sampled_from(list(By)))
def test_groups_add_up_to_all(jobs, by):
    found = summary(jobs, by)
    assert sum(group["jobs"] for group in found["groups"]) == found["total"]["jobs"] == len(jobs)


def test_groups_are_bounded():
    jobs = [job(f"j{number}", 1, f"u{number}", Phase.RUNNING, 0, 0) for number in range(MOST_GROUPS + 1)]
    assert len(summary(jobs, By.USER)["groups"]) == MOST_GROUPS


def test_clocks_that_disagree_are_not_measured():
    assert between("2026-01-01T00:00:01Z", "2026-01-01T00:00:00.500Z") is None
    assert between("", "2026-01-01T00:00:00Z") is None
