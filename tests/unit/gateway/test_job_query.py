"""Lists: filters, orders and pages, against what a loop over everything gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.records import cache_of, manifest
from videojob_contract.resources.status import Phase
from videojob_gateway.errors import InvalidRequestError
from videojob_gateway.job_cache import JobCache, JobRecord
from videojob_gateway.job_query import JobQuery, Sort, select

TIMES = st.sampled_from([f"2026-01-0{day}T00:00:00Z" for day in range(1, 5)])
JOBS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), TIMES, st.sampled_from(["", "ana", "ben"]), st.sampled_from(list(Phase))),
    unique_by=lambda job: job[0],
)


def made(jobs: list[tuple[str, str, str, Phase]]) -> JobCache:
    return cache_of(
        *(
            manifest(name, at=at, spec={"user": user}, status={"phase": phase} | ({"finishedAt": at} if user else {}))
            for name, at, user, phase in jobs
        )
    )


@given(JOBS, st.sampled_from(list(Sort)), st.integers(1, 4), st.sampled_from([None, "ana"]))
def test_pages_are_the_sorted_list_in_pieces(jobs, sort, limit, owner):
    cache = made(jobs)
    query = JobQuery(owner=owner, sort=sort, limit=limit)
    found: list[JobRecord] = []
    cursor: str | None = ""
    while cursor is not None:
        page = select(cache, query, cursor)
        assert len(page.records) <= limit
        found += page.records
        cursor = page.next
    wanted = [record for record in cache.oldest_first() if owner in {None, record.user}]
    assert found == sorted(wanted, key=sort.place_of, reverse=sort.descends)


@given(JOBS, st.sampled_from(list(Sort)), st.data())
def test_pages_neither_repeat_nor_leave_out_what_stays(jobs, sort, data):
    cache = made(jobs)
    page = select(cache, JobQuery(sort=sort, limit=2))
    goes = data.draw(st.sets(st.sampled_from([name for name, *_ in jobs])) if jobs else st.just(set()))
    for name in goes:
        cache.remove(f"uid-{name}")
    cache.put(JobRecord.of(manifest("z", at="2026-01-03T00:00:00Z")))
    found = [record.name for record in page.records]
    while page.next is not None:
        page = select(cache, JobQuery(sort=sort, limit=2), page.next)
        found += [record.name for record in page.records]
    assert len(found) == len(set(found))
    assert {name for name, *_ in jobs} - goes <= set(found)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (JobQuery(user="ana"), "a b"),
        (JobQuery(owner="ben"), "c"),
        (JobQuery(owner="ben", user="ana"), ""),
        (JobQuery(project="summer"), "a"),
        (JobQuery(queue="high"), "b"),
        (JobQuery(pool="gpu"), "c"),
        (JobQuery(phases=[Phase.FAILED, Phase.RUNNING]), "b c"),
        (JobQuery(labels=["team"]), "a b"),
        (JobQuery(labels=["team=films"]), "a"),
        (JobQuery(labels=["team", "team=ads"]), "b"),
        (JobQuery(labels=["team="]), ""),
        (JobQuery(text="STRASSE"), "b"),
        (JobQuery(text="films"), "a"),
        (JobQuery(created_after="2026-01-01T00:00:00Z"), "b c"),
        (JobQuery(created_before="2026-01-02T00:00:00Z"), "a"),
    ],
)
def test_what_is_asked_for_is_what_is_found(query, names):
    cache = cache_of(
        manifest("a", labels={"team": "films"}, spec={"user": "ana", "project": "summer"}),
        manifest(
            "b",
            at="2026-01-02T00:00:00Z",
            labels={"team": "ads"},
            spec={"user": "ana", "queue": "high"},
            status={"phase": "Failed", "message": "there is no straße.jpg"},
        ),
        manifest("c", at="2026-01-03T00:00:00Z", spec={"user": "ben", "pool": "gpu"}, status={"phase": "Running"}),
    )
    assert sorted(record.name for record in select(cache, query).records) == names.split()


@pytest.mark.parametrize("cursor", ["x", "é", "W10", "bnVsbA", "WyJuYW1lIiwgMSwgMl0", "=" * 9, "W1tbW1tbW1tbW1tb"])
def test_a_cursor_that_no_list_gave_is_refused(cursor):
    with pytest.raises(InvalidRequestError):
        select(cache_of(), JobQuery(), cursor)


def test_a_cursor_of_another_order_is_refused():
    cache = cache_of(manifest("a"), manifest("b"))
    following = select(cache, JobQuery(limit=1)).next
    with pytest.raises(InvalidRequestError):
        select(cache, JobQuery(sort=Sort.NAME), following or "")
