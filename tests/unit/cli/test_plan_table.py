from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from videojob_cli.plan_table import MOST_ROWS, plan_lines
from videojob_contract.plan_report import ClipEntry, OutputEntry, Plan, SegmentEntry, SoundEntry, SpanEntry


def span(start: int, frames: int, *clips: int, **more: Any) -> SpanEntry:
    fields = {"kind": "still", "overlays": [], "captions": False, "memory_bytes": 1024**2, "cost": 2.0 * frames}
    return SpanEntry.model_validate(
        {"start": start, "frames": frames, "samples": frames * 1920, "clips": list(clips), "why": "because", **fields}
        | more
    )


def plan(spans: list[SpanEntry], **more: Any) -> Plan:
    frames = sum(each.frames for each in spans)
    cost = sum(each.cost for each in spans)
    count = max(each.clips[-1] for each in spans) + 1
    fields = {
        "width": 320,
        "height": 180,
        "fps": Fraction(25),
        "frames": frames,
        "samples": frames * 1920,
        "duration_s": frames / 25,
        "threads": 2,
        "encoders": 1,
        "cost": cost,
        "memory_bytes": 300 * 1024**2,
        "clips": [ClipEntry(kind="color", start=0, frames=frames, entry_frames=0)] * count,
        "sounds": [],
        "outputs": [OutputEntry(name="main", format="mp4", codec="h264", width=320, height=180, why="for it")],
        "segments": [SegmentEntry(start=0, frames=frames, cost=cost)],
        "spans": spans,
    }
    return Plan.model_validate(fields | more)


def shown(plan: Plan, *, every_span: bool = False, explain: bool = False) -> list[str]:
    return list(plan_lines("holiday", plan, every_span=every_span, explain=explain))


def test_a_short_plan_is_a_line_a_span() -> None:
    spans = [span(0, 75, 0), span(75, 25, 0, 1, kind="blend", cost=50.0), span(100, 1, 1)]
    assert shown(plan(spans)) == [
        "holiday: 320x180, 25 frames a second, 101 frames, 193920 samples, 4.04s",
        "",
        "FRAMES   COUNT  SAMPLES  KIND   CLIPS   COST  MIB",
        "0-74        75   144000  still  0      74.3%  1.0",
        "75-99       25    48000  blend  0 1    24.8%  1.0",
        "100-100      1     1920  still  1       1.0%  1.0",
        "",
        "encoded in one segment, with 2 threads",
        "",
        "OUTPUT  IS",
        "main    mp4, h264, 320x180",
        "",
        "cost: 202, or 2.0 a frame; 1 is about 10 ms of a core at 1080p",
        "memory: about 300 MiB at its peak",
    ]


def test_what_lies_over_the_clips_has_a_column_where_there_is_any() -> None:
    lines = shown(plan([span(0, 5, 0), span(5, 5, 0, overlays=[0, 3], captions=True)]))
    assert lines[2].split() == ["FRAMES", "COUNT", "SAMPLES", "KIND", "CLIPS", "OVERLAYS", "COST", "MIB"]
    assert "0 3 subtitles" in lines[4]


def test_reasons_stand_beneath_what_they_explain() -> None:
    sound = SoundEntry(field="spec.audio.tracks[0]", start_sample=10, samples=20, why="mixed in")
    lines = shown(plan([span(0, 5, 0), span(5, 5, 0)], sounds=[sound]), explain=True)
    assert [lines[at] for at in (4, 6)] == ["  because", "  because"]
    assert lines[lines.index("  mixed in") - 1].split() == ["spec.audio.tracks[0]", "10-29"]
    assert lines[lines.index("  for it") - 1].startswith("main")


def test_a_long_plan_is_a_line_a_clip_unless_every_span_is_wanted() -> None:
    spans = [
        each
        for index in range(MOST_ROWS)
        for each in (span(10 * index, 6, index), span(10 * index + 6, 4, index, kind="animated"))
    ]
    short = shown(plan(spans))
    assert short[2].split() == ["CLIP", "IS", "FRAMES", "COUNT", "FRAMES", "BY", "KIND", "COST"]
    assert short[3].endswith("still 6, animated 4  2.5%")
    assert short[3 + MOST_ROWS] == f"{2 * MOST_ROWS} spans in all; --all shows each"
    assert len(shown(plan(spans), every_span=True)) == len(short) + MOST_ROWS - 1


@pytest.mark.parametrize(("count", "rows"), [(2, 3), (MOST_ROWS, MOST_ROWS + 1), (MOST_ROWS + 1, 0)])
def test_segments_are_listed_while_they_are_few(count: int, rows: int) -> None:
    segments = [SegmentEntry(start=index, frames=1, cost=2.0) for index in range(count)]
    lines = shown(plan([span(0, count, 0)], segments=segments, encoders=2))
    at = lines.index(f"encoded in {count} segments, 2 at a time, with 2 threads in all")
    assert lines[at + 1 :].index("") == rows
