"""When a VideoSchedule is due, over every change of a clock, and what is refused."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojob_contract.resources.videoschedule import VideoScheduleSpec
from videojob_contract.semantics.schedules import in_zone, last_due, next_due, videojob_of
from videojob_contract.validation import SpecError, parse_videojob, parse_videoschedule

CLIPS = [{"color": "#203040", "duration": "1s"}]


def schedule(expression: str = "0 6 * * *", zone: str = "Europe/Berlin", **fields: Any) -> dict[str, Any]:
    spec = {"schedule": expression, "timeZone": zone, "template": {"spec": {"clips": CLIPS}}}
    return {"metadata": {"name": "news"}, "kind": "VideoSchedule", "spec": spec | fields}


def spec_of(expression: str, zone: str) -> VideoScheduleSpec:
    return parse_videoschedule(schedule(expression, zone)).spec


def problems(**fields: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse_videoschedule(schedule(**fields))
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("expression", "day", "expected"),
    [
        # The clock goes from 02:00 to 03:00 on 29 March: what falls into the gap is made after it, once.
        ("30 2 * * *", "2026-03-29", ["2026-03-29T01:00:00+00:00"]),
        ("0 6 * * *", "2026-03-29", ["2026-03-29T04:00:00+00:00"]),
        # And from 03:00 to 02:00 on 25 October: a time of the day is made once, every half hour goes on.
        ("30 2 * * *", "2026-10-25", ["2026-10-25T00:30:00+00:00"]),
        ("0 6 * * *", "2026-10-25", ["2026-10-25T05:00:00+00:00"]),
    ],
)
def test_a_time_of_the_day_comes_once_a_day_whatever_the_clock_does(expression, day, expected):
    spec = spec_of(expression, "Europe/Berlin")
    start = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    assert times(spec, start, start + timedelta(hours=23)) == [datetime.fromisoformat(text) for text in expected]


def times(spec: VideoScheduleSpec, start: datetime, end: datetime) -> list[datetime]:
    found, now = [], start
    while (due := next_due(spec, now)) is not None and due <= end:
        found.append(due.astimezone(UTC))
        now = due
    return found


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_every_half_hour_is_every_half_hour_whatever_the_clock_does(day):
    spec = spec_of("*/30 * * * *", "Europe/Berlin")
    start = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=UTC) - timedelta(hours=3)
    found = times(spec, start, start + timedelta(hours=8))
    assert {after - before for before, after in pairwise(found)} == {timedelta(minutes=30)}
    assert len(found) == 16


@given(
    expression=st.sampled_from(
        ["30 2 * * *", "0 3 * * *", "*/15 * * * *", "0 0 29 2 *", "30 2 * * 0L", "@weekly", "@monthly"]
    ),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu", "Etc/UTC"]),
    minute=st.integers(0, 2 * 366 * 24 * 60),
    seconds=st.integers(0, 59),
)
def test_the_last_one_is_that_which_the_next_ones_have_passed(expression, zone, minute, seconds):
    spec = spec_of(expression, zone)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute, seconds=seconds)
    last = last_due(spec, now)
    assert last is not None
    assert last.astimezone(UTC) <= now
    following = next_due(spec, last)
    assert following is not None
    assert following.astimezone(UTC) > now


CHANGES = {
    # By an hour and by two; at midnight; and for a month.
    "Europe/Berlin": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],
    "Antarctica/Troll": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],
    "Africa/Cairo": ["2026-04-23T22:00Z", "2026-10-29T21:00Z"],
    "Africa/Casablanca": ["2026-02-15T02:00Z", "2026-03-22T02:00Z"],
}


@given(
    expression=st.sampled_from(
        ["* * * * *", "*/20 * * * *", "30 2 * * *", "10 1,2,3 * * *", "45 * * * *", "0 */2 * * *", "15 0 * * 0"]
    ),
    change=st.sampled_from([(zone, at) for zone, times in CHANGES.items() for at in times]),
    minute=st.integers(-180, 240),
)
def test_around_every_change_of_a_clock_the_last_has_come_and_the_next_is_to_come(expression, change, minute):
    zone, at = change
    spec, now = spec_of(expression, zone), datetime.fromisoformat(at) + timedelta(minutes=minute)
    last, following = last_due(spec, now), next_due(spec, now)
    assert last is not None
    assert following is not None
    assert last <= now < following
    assert last_due(spec, following - timedelta(minutes=1)) == last
    assert next_due(spec, last) == following
    assert {last.tzinfo, following.tzinfo} == {UTC}  # times of one zone are compared and added to by its clock


@pytest.mark.parametrize(("zone", "at"), [(zone, at) for zone, times in CHANGES.items() for at in times])
def test_the_changes_are_changes(zone, at):
    moment = datetime.fromisoformat(at)
    before = (moment - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).utcoffset()
    assert before != moment.astimezone(ZoneInfo(zone)).utcoffset()


def test_in_the_hour_that_comes_twice_a_time_of_the_first_has_come_in_the_second():
    spec, second = spec_of("30 2 * * *", "Europe/Berlin"), datetime(2026, 10, 25, 1, 5, tzinfo=UTC)
    assert last_due(spec, second) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert next_due(spec, second) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_a_time_that_has_just_come_has_come():
    spec, at = spec_of("0 6 * * *", "Etc/UTC"), datetime(2026, 5, 1, 6, tzinfo=UTC)
    assert last_due(spec, at) == at
    assert last_due(spec, at - timedelta(microseconds=1)) == at - timedelta(days=1)
    assert next_due(spec, at) == at + timedelta(days=1)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("61 * * * *", "bad minute"),
        ("* * 31 2 *", "bad day-of-month"),
        ("* * * * MONDAY", "bad day-of-week"),
        ("a b c d e", "bad minute"),
    ],
)
def test_an_expression_that_cannot_be_read_is_refused_with_its_field(expression, said):
    (problem,) = problems(expression=expression)
    assert problem == f'spec.schedule: "{expression}" cannot be read: {said}'


@pytest.mark.parametrize("expression", ["* * * *", "* * * * * *", "@reboot", "", "daily"])
def test_what_is_no_expression_is_told_what_one_is(expression):
    assert "write five fields of cron, such as 30 6 * * 1-5, or @daily" in problems(expression=expression)[0]


@pytest.mark.parametrize(
    "zone",
    [
        "Mars/Olympus",
        "Europe",
        "../etc/passwd",
        "Europe/../UTC",
        "CEST5",
        "localtime",
        "posixrules",
        "right/Europe/Berlin",
        "Local",
        "Factory",
    ],
)
def test_a_zone_that_is_not_there_is_refused(zone):
    (problem,) = problems(zone=zone)
    assert problem.startswith("spec.timeZone: ")
    assert "Europe/Berlin" in problem


def test_problems_of_the_template_are_told_with_its_path():
    assert problems(template={"spec": {"clips": [{"color": "blue", "duration": "1s"}], "quota": 1}}) == [
        'spec.template.spec.clips[0].color: "blue" is not a colour: write "#rrggbb", such as "#203040"',
        "spec.template.spec.quota: is not a field here",
    ]


def test_a_videojob_is_named_for_its_time_and_knows_it():
    clips = [{"title": {"text": "News of {{ scheduledDate }}, {{ edition }}"}, "duration": "1s"}]
    template = {
        "metadata": {"labels": {"team": "news"}, "annotations": {"note": "x"}},
        "spec": {"clips": clips, "parameters": {"edition": "early"}},
    }
    made_by = parse_videoschedule(schedule(template=template))
    at = next_due(made_by.spec, datetime(2026, 3, 29, 1, tzinfo=UTC))
    assert at is not None
    made = videojob_of(made_by, in_zone(made_by.spec, at))

    assert made["metadata"]["name"] == f"news-{int(at.timestamp()) // 60}"
    assert made["metadata"]["labels"] == {"team": "news", "videojob.dev/schedule": "news"}
    assert made["metadata"]["annotations"]["videojob.dev/scheduled-at"] == "2026-03-29T06:00:00+02:00"
    spec = parse_videojob(made).spec
    assert spec.clips[0].title is not None
    assert spec.clips[0].title.text == "News of 2026-03-29, early"


def test_the_longest_name_makes_names_that_a_videojob_may_have():
    made_by = parse_videoschedule(schedule() | {"metadata": {"name": "n" * 52}})
    at = datetime(2999, 1, 1, tzinfo=UTC)
    assert len(videojob_of(made_by, at)["metadata"]["name"]) <= 63
