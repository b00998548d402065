"""A plan as people read it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from videojob_contract.plan_report import OutputEntry, Plan, SpanEntry

MOST_ROWS = 40
"""A plan of more spans is shown clip by clip."""

_MIB = 1024**2


class Row(NamedTuple):
    """A line of a table, and what is said beneath it."""

    cells: tuple[str, ...]
    note: str = ""


def plan_lines(name: str, plan: Plan, *, every_span: bool, explain: bool) -> Iterator[str]:
    """Yield the lines that show a plan.

    Args:
        name: the job's.
        plan: what to show.
        every_span: show all spans, however many.
        explain: say of everything why it is made in this way.
    """
    canvas = f"{plan.width}x{plan.height}, {plan.fps} frames a second"
    yield f"{name}: {canvas}, {plan.frames} frames, {plan.samples} samples, {plan.duration_s:g}s"
    yield ""
    if every_span or explain or len(plan.spans) <= MOST_ROWS:
        yield from _table(_SPAN_HEAD, [_span_row(plan, span, explain=explain) for span in plan.spans])
    else:
        yield from _table(_CLIP_HEAD, _clip_rows(plan))
        yield f"{len(plan.spans)} spans in all; --all shows each"
    yield ""
    yield from _segments(plan)
    if plan.sounds:
        rows = [
            Row((sound.field, _range(sound.start_sample, sound.samples)), sound.why if explain else "")
            for sound in plan.sounds
        ]
        yield from _table(("SOUND", "SAMPLES"), rows)
        yield ""
    outputs = [Row((output.name, _output(output)), output.why if explain else "") for output in plan.outputs]
    yield from _table(("OUTPUT", "IS"), outputs)
    yield ""
    yield f"cost: {plan.cost:.0f}, or {plan.cost / plan.frames:.1f} a frame; 1 is about 10 ms of a core at 1080p"
    yield f"memory: about {plan.memory_bytes / _MIB:.0f} MiB at its peak"
    for warning in plan.warnings:
        yield f"warning: {warning}"


_SPAN_HEAD = ("FRAMES", ">COUNT", ">SAMPLES", "KIND", "CLIPS", "OVERLAYS", ">COST", ">MIB")
_CLIP_HEAD = ("CLIP", "IS", "FRAMES", ">COUNT", "FRAMES BY KIND", ">COST")


def _span_row(plan: Plan, span: SpanEntry, *, explain: bool) -> Row:
    over = [str(number) for number in span.overlays] + (["subtitles"] if span.captions else [])
    cells = (
        _range(span.start, span.frames),
        str(span.frames),
        str(span.samples),
        span.kind,
        " ".join(map(str, span.clips)),
        " ".join(over),
        _share(span.cost, plan),
        f"{span.memory_bytes / _MIB:.1f}",
    )
    return Row(cells, span.why if explain else "")


def _clip_rows(plan: Plan) -> list[Row]:
    """One line a clip; a transition counts to the clip that comes in."""
    frames: defaultdict[int, Counter[str]] = defaultdict(Counter)
    costs: defaultdict[int, float] = defaultdict(float)
    for span in plan.spans:
        frames[span.clips[-1]][span.kind] += span.frames
        costs[span.clips[-1]] += span.cost
    return [
        Row(
            (
                str(number),
                clip.kind,
                _range(clip.start, clip.frames),
                str(clip.frames),
                ", ".join(f"{kind} {count}" for kind, count in frames[number].items()),
                _share(costs[number], plan),
            )
        )
        for number, clip in enumerate(plan.clips)
    ]


def _segments(plan: Plan) -> Iterator[str]:
    """Say how the encoding is shared out; every segment only where they are few."""
    threads = f"{plan.threads} thread{'s' if plan.threads > 1 else ''}"
    if not plan.segments:
        yield "nothing is encoded"
    elif len(plan.segments) == 1:
        yield f"encoded in one segment, with {threads}"
    else:
        yield f"encoded in {len(plan.segments)} segments, {plan.encoders} at a time, with {threads} in all"
    if 1 < len(plan.segments) <= MOST_ROWS:
        yield from _table(
            ("SEGMENT", ">COUNT", ">COST"),
            [
                Row((_range(segment.start, segment.frames), str(segment.frames), _share(segment.cost, plan)))
                for segment in plan.segments
            ],
        )
    yield ""


def _output(output: OutputEntry) -> str:
    parts = [output.format]
    if output.codec is not None:
        parts.append(output.codec)
    if output.width is not None and output.height is not None:
        parts.append(f"{output.width}x{output.height}")
    if output.fps is not None:
        parts.append(f"{output.fps} frames a second")
    return ", ".join(parts)


def _share(cost: float, plan: Plan) -> str:
    return f"{100 * cost / plan.cost:.1f}%"


def _range(start: int, count: int) -> str:
    """Write which frames or samples these are, the last included."""
    return f"{start}-{start + count - 1}" if count else "none"


def _table(heads: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Yield lines with columns below each other; a column in which nothing stands is left out.

    A head that starts with > is of a column of numbers.
    """
    rows = list(rows)
    names = [head.removeprefix(">") for head in heads]
    columns = [column for column in range(len(heads)) if any(row.cells[column] for row in rows)]
    widths = [
        max(len(cells[column]) for cells in (names, *(row.cells for row in rows))) for column in range(len(heads))
    ]

    def line(cells: Sequence[str]) -> str:
        aligned = (
            cells[column].rjust(widths[column])
            if heads[column].startswith(">")
            else cells[column].ljust(widths[column])
            for column in columns
        )
        return "  ".join(aligned).rstrip()

    yield line(names)
    for row in rows:
        yield line(row.cells)
        if row.note:
            yield f"  {row.note}"
