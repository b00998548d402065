"""Durations, rates and times are exact, and come back from the wire as they were."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from videojob_contract.resources.base import (
    MAX_DURATION,
    Duration,
    Fps,
    RoughTime,
    Time,
    format_duration,
    parse_duration,
    parse_fps,
)
from videojob_contract.resources.timeline import Clip

DURATION = TypeAdapter(Duration)
FPS = TypeAdapter(Fps)
TIME = TypeAdapter(Time)
parts = st.tuples(
    st.integers(0, 999),
    st.one_of(st.just(""), st.integers(0, 999_999_999).map(lambda digits: f".{digits:09d}")),
    st.sampled_from(["ms", "s", "m", "h"]),
).map(lambda part: f"{part[0]}{part[1]}{part[2]}")
duration_texts = st.lists(parts, min_size=1, max_size=4).map("".join)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3s", 3),
        ("500ms", Fraction(1, 2)),
        ("1m30s", 90),
        ("0.1s", Fraction(1, 10)),
        ("1.5h", 5400),
        ("0s", 0),
        ("90m", 5400),
        ("0.000000001ms", Fraction(1, 10**12)),
    ],
)
def test_a_duration_is_exact(text: str, seconds: Fraction) -> None:
    assert DURATION.validate_python(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (Fraction(5400), "90m"),
        (Fraction(3600), "1h"),
        (Fraction(3, 2), "1500ms"),
        (Fraction(0), "0s"),
        (Fraction(1, 3), "0s333.333333333ms"),
        (Fraction(1, 10**5), "0.00001s"),
        (Fraction(1, 2 * 10**12), "0s"),
        (Fraction("1000800.001"), "1000800.001s"),
    ],
)
def test_a_duration_is_written_short(seconds: Fraction, text: str) -> None:
    assert format_duration(seconds) == text


def test_what_is_no_duration_is_not_written_at_length() -> None:
    with pytest.raises(ValueError, match="auto"):
        format_duration("auto")  # type: ignore[arg-type]


@pytest.mark.parametrize("duration", ["auto", "2s"])
def test_a_clips_duration_is_written_as_it_was(duration: str) -> None:
    clip = {"video": {"uri": "volume://media/a.mp4"}, "duration": duration}

    assert Clip.model_validate(clip).to_dict()["duration"] == duration


@given(duration_texts)
def test_every_duration_that_can_be_written_comes_back(text: str) -> None:
    seconds = parse_duration(text)
    assert isinstance(seconds, Fraction)
    assert DURATION.validate_python(format_duration(seconds)) == seconds


@given(st.fractions(min_value=0, max_value=MAX_DURATION))
def test_any_seconds_can_be_written_to_the_picosecond(seconds: Fraction) -> None:
    assert abs(DURATION.validate_python(format_duration(seconds)) - seconds) < Fraction(1, 10**12)


@pytest.mark.parametrize("value", ["3", "s", "-1s", "1e3s", "1 s", "3sec", "", "1s ", "٣s", 3, None, ["3s"], "10001h"])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="duration"):
        DURATION.validate_python(value)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("30", 30),
        ("30000/1001", Fraction(30000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_a_frame_rate_is_exact(text: str, rate: Fraction) -> None:
    assert FPS.validate_python(text) == rate


@given(
    st.one_of(
        st.fractions(min_value=1, max_value=240, max_denominator=4000).map(str),
        st.integers(1000, 240_000).map(lambda thousandths: f"{thousandths / 1000:.3f}"),
    )
)
def test_every_frame_rate_comes_back(text: str) -> None:
    rate = FPS.validate_python(text)
    assert FPS.validate_python(FPS.dump_python(rate)) == rate


@pytest.mark.parametrize("value", ["0", "241", "30/0", "-30", "30fps", "30/1/1", "29.97/1", "", 30, 29.97, None])
def test_what_is_no_frame_rate_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="frame rate"):
        FPS.validate_python(value)


def test_a_fraction_is_taken_as_it_is() -> None:
    assert parse_fps(Fraction(25)) == 25
    assert parse_duration(Fraction(1, 3)) == Fraction(1, 3)


@given(
    st.datetimes(
        min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis wants it without
        timezones=st.just(timezone(timedelta(hours=5))),
    )
)
def test_a_time_comes_back_from_the_wire_as_it_was_made(moment: datetime) -> None:
    made = TIME.validate_python(moment)
    assert made.tzinfo is UTC
    assert moment - made < timedelta(milliseconds=1)
    assert TIME.validate_json(TIME.dump_json(made)) == made


def test_a_rough_time_has_whole_seconds() -> None:
    rough = TypeAdapter(RoughTime)
    made = rough.validate_python("2026-01-01T00:00:12.7+01:00")
    assert rough.dump_python(made) == "2025-12-31T23:00:12Z"


def test_a_time_needs_its_zone() -> None:
    with pytest.raises(ValidationError, match="a time needs its zone, such as 2026-01-01T00:00:00Z"):
        TIME.validate_python("2026-01-01T00:00:00")


def test_importing_the_models_builds_no_schema() -> None:
    """A worker imports all of them at each start, and needs few."""
    code = (
        "from videojob_contract.resources import RenderPool, VideoJob\n"
        "print(RenderPool.__pydantic_complete__, VideoJob.__pydantic_complete__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
