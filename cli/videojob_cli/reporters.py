"""Progress for people (a bar) and for programs (JSON lines)."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from videojob_cli.volumes import output_file

if TYPE_CHECKING:
    from pathlib import Path

    from videojob_contract.assignment import Progress as Advance
    from videojob_contract.assignment import Result

_LINE_EVERY_S = 0.5


def reporter_for(name: str, out: Path, *, as_json: bool) -> RenderReporter:
    """Choose for where standard output goes."""
    console = Console()
    if as_json or not console.is_terminal:
        return JsonReporter(name, out)
    return TerminalReporter(name, out, console)


class RenderReporter(Protocol):
    """Shows one render from its start to its end."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def report(self, progress: Advance) -> None:
        """Show the latest progress."""

    def finish(self, result: Result) -> None:
        """Show how it ended."""


class JsonReporter:
    """Writes a line when the stage changes and every half second, and one for the result."""

    def __init__(self, name: str, out: Path) -> None:
        self._name = name
        self._out = out
        self._written = 0.0
        self._stage = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()

    def report(self, progress: Advance) -> None:
        """Write a line, unless one was written just now."""
        now = time.monotonic()
        if progress.stage != self._stage or now - self._written >= _LINE_EVERY_S:
            self._stage, self._written = progress.stage, now
            self._write({"event": "progress", **progress.to_dict()})

    def finish(self, result: Result) -> None:
        """Write the result, with the file of each output."""
        answer = result.to_dict()
        for output in answer["outputs"]:
            output["file"] = str(output_file(self._out, output["uri"]))
        self._write({"event": "result", **answer})

    def _write(self, line: dict[str, object]) -> None:
        sys.stdout.write(json.dumps({"videojob": self._name, **line}, ensure_ascii=False) + "\n")
        sys.stdout.flush()


class TerminalReporter:
    """Draws a bar with stage, message and the time that is left."""

    def __init__(self, name: str, out: Path, console: Console) -> None:
        self._name = name
        self._out = out
        self._console = console
        self._bar = Progress(
            TextColumn("[bold]{task.fields[name]}"),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[message]}", markup=False),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("Starting", total=100, name=name, message="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def report(self, progress: Advance) -> None:
        """Move the bar."""
        left = f", {_time(progress.eta_s)} left" if progress.eta_s else ""
        self._bar.update(
            self._task,
            completed=progress.percent,
            description=progress.stage.value,
            message=progress.message + left,
        )

    def finish(self, result: Result) -> None:
        """Replace the bar with what was made, or why not."""
        self._bar.stop()
        if result.reason is not None:
            self._console.print(f"{self._name}: {result.reason}: {result.message}", style="red", markup=False)
            return
        speed = f", {result.video_s / result.render_s:.1f}x realtime" if result.render_s else ""
        self._console.print(
            f"{self._name}: {result.video_s:.2f} s of video in {result.render_s:.1f} s{speed}",
            markup=False,
            highlight=False,
        )
        for output in result.outputs:
            size = f"{output.width}x{output.height}, " if output.width else ""
            file = output_file(self._out, output.uri)
            self._console.print(
                f"  {file}  ({size}{output.bytes / 1e6:.2f} MB)", markup=False, highlight=False, soft_wrap=True
            )
        for warning in result.warnings:
            self._console.print(f"  warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)


def _time(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}m{seconds:02d}s" if minutes else f"{seconds}s"
