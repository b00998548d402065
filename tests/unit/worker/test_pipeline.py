from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.assignments import assignment
from videojob_contract.assignment import Assignment, Progress
from videojob_contract.errors import (
    FAILURE_CLASS,
    CancelledError,
    FailureClass,
    InfrastructureError,
    OutOfMemoryError,
    PermanentError,
    Reason,
    VideoJobError,
)
from videojob_contract.resources.encoding import Encoding, Hardware
from videojob_contract.resources.status import Stage
from videojob_contract.resources.work import WorkKind
from videojob_worker.pipeline import AttemptContext, run_attempt
from videojob_worker.renderer.protocol import Done, Rendered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from videojob_worker.renderer.task import RenderTask


@dataclass
class Double:
    """Renders nothing: writes a file for each output, or fails, or takes its time."""

    error: Exception | None = None
    takes_s: float = 0.0
    names: tuple[str, ...] = ("main", "poster")
    outside: bool = False
    files: tuple[str, ...] = ()
    """Further files of the first output, seen from its folder."""
    warnings: tuple[str, ...] = ()
    tasks: list[RenderTask] = field(default_factory=list)

    async def render(self, task: RenderTask, on_progress: Callable[[Progress], None]) -> Done:
        self.tasks.append(task)
        on_progress(Progress(stage=Stage.RENDERING, percent=50))
        (task.scratch / "leftover").write_text("x")
        await asyncio.sleep(self.takes_s)
        if self.error:
            raise self.error
        folder = task.scratch.parent if self.outside else task.scratch
        for name in self.names:
            (folder / name).write_text(name)
        for file in self.files:
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text(file)
        return Done(
            outputs=[
                Rendered(
                    name=name,
                    path=str(folder / name),
                    files=() if index else self.files,
                    frames=25,
                    duration_s=1.0,
                )
                for index, name in enumerate(self.names)
            ],
            warnings=self.warnings,
        )


class Kept:
    """Keeps every report."""

    def __init__(self) -> None:
        self.all: list[Progress] = []

    def report(self, progress: Progress) -> None:
        self.all.append(progress)


@dataclass
class Place:
    folder: Path

    @property
    def media(self) -> Path:
        return self.folder / "media"

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    def context(self, renderer: Double, **more: object) -> AttemptContext:
        return AttemptContext({"media": self.media}, self.scratch, renderer, 2, **more)  # type: ignore[arg-type]

    def published(self) -> list[str]:
        return sorted(str(path.relative_to(self.media)) for path in self.media.rglob("*") if path.is_file())

    def assert_clean(self) -> None:
        assert list(self.scratch.iterdir()) == []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.media.mkdir()
    place.scratch.mkdir()
    return place


async def test_success(place: Place) -> None:
    kept = Kept()
    result = await run_attempt(assignment(), kept, place.context(Double()))
    assert result.result == "succeeded"
    assert [output.name for output in result.outputs] == ["main", "poster"]
    assert result.video_s == 1.0
    [overhead] = result.work
    assert overhead.kind is WorkKind.OVERHEAD
    assert 0 < overhead.took_s <= result.render_s
    assert place.published() == ["out/main.mp4", "out/poster.jpg"]
    assert (place.media / "out" / "main.mp4").read_text() == "main"
    stages = list(dict.fromkeys(progress.stage for progress in kept.all))
    assert stages == [
        Stage.INITIALIZING,
        Stage.FETCHING,
        Stage.RENDERING,
        Stage.PUBLISHING,
        Stage.COMPLETED,
    ]
    assert kept.all[-1].percent == 100
    place.assert_clean()


async def test_further_files_are_published_with_their_output(place: Place) -> None:
    files = ("main-0123456789ab/v-00000.m4s", "main-0123456789ab/v.m3u8", "main.vtt")
    result = await run_attempt(assignment(), Kept(), place.context(Double(files=files)))
    assert place.published() == [*sorted(f"out/{file}" for file in (*files, "main.mp4")), "out/poster.jpg"]
    [main, poster] = result.outputs
    assert main.bytes == sum(len(text) for text in (*files, "main"))
    assert (main.sha256, poster.sha256) == tuple(hashlib.sha256(text).hexdigest() for text in (b"main", b"poster"))
    place.assert_clean()


@pytest.mark.parametrize(
    "file", ["other.mp4", "other-0123456789ab/v.m4s", "../main.vtt", "main-0123456789ab/../../x.m4s", "poster.jpg", ""]
)
async def test_further_files_of_other_names_are_not_published(place: Place, file: str) -> None:
    double = Double(files=("main.vtt",))
    render = double.render

    async def lies(task: RenderTask, on_progress: Callable[[Progress], None]) -> Done:
        first, *others = (await render(task, on_progress)).outputs
        return Done(outputs=[first.model_copy(update={"files": (file,)}), *others])

    double.render = lies  # type: ignore[method-assign]
    result = await run_attempt(assignment(), Kept(), place.context(double))
    assert result.reason is Reason.VERIFICATION_FAILED
    assert place.published() == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (PermanentError("bad", Reason.INVALID_MEDIA), "failed"),
        (OutOfMemoryError("much"), "failed"),
        (CancelledError("stop"), "cancelled"),
    ],
)
async def test_failures_become_results(place: Place, error: VideoJobError, outcome: str) -> None:
    result = await run_attempt(assignment(), Kept(), place.context(Double(error=error)))
    assert (result.result, result.reason, result.message) == (outcome, error.reason, error.message)
    assert place.published() == []
    place.assert_clean()


@pytest.mark.parametrize(
    ("error", "reason"), [(ValueError("odd"), Reason.RENDER_FAILED), (MemoryError(), Reason.OUT_OF_MEMORY)]
)
async def test_what_nobody_foresaw_is_not_tried_without_end(place: Place, error: Exception, reason: Reason) -> None:
    result = await run_attempt(assignment(), Kept(), place.context(Double(error=error)))
    assert (result.result, result.reason) == ("failed", reason)
    assert FAILURE_CLASS[reason] is not FailureClass.INFRASTRUCTURE
    place.assert_clean()


async def test_deadline(place: Place) -> None:
    result = await run_attempt(assignment(deadline="100ms"), Kept(), place.context(Double(takes_s=60)))
    assert result.reason is Reason.DEADLINE_EXCEEDED
    assert "100ms" in result.message
    place.assert_clean()


async def test_soft_deadline_warns_in_the_message(place: Place) -> None:
    kept = Kept()
    order = assignment().model_copy(update={"soft_deadline": 0})
    await run_attempt(order, kept, place.context(Double(takes_s=0.05)))
    assert "past its soft deadline, stops at 5m" in kept.all[-1].message


async def test_cancelling_is_passed_on_when_all_is_cleared_away(place: Place) -> None:
    running = asyncio.create_task(run_attempt(assignment(), Kept(), place.context(Double(takes_s=60))))
    await asyncio.sleep(0.1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert place.published() == []
    place.assert_clean()


async def test_without_consent_nothing_is_published(place: Place) -> None:
    async def refuse() -> None:
        raise InfrastructureError("lost", Reason.LEASE_LOST)

    result = await run_attempt(assignment(), Kept(), place.context(Double(), before_publish=refuse))
    assert result.reason is Reason.LEASE_LOST
    assert place.published() == []
    place.assert_clean()


async def test_consent_is_asked_when_everything_is_ready(place: Place) -> None:
    seen: list[int] = []

    async def canvas() -> None:
        seen.append(len([path for path in place.media.rglob(".*.part") if path.stat().st_size]))

    await run_attempt(assignment(), Kept(), place.context(Double(), before_publish=canvas))
    assert seen == [2]


async def test_whoever_cancels_a_commit_is_too_late(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    task: asyncio.Task[object]
    from videojob_worker.storage import volume  # noqa: PLC0415 - its class is private

    commit = volume._Staged.commit

    async def slow_commit(self: object) -> None:
        task.cancel()
        await asyncio.sleep(0.05)
        await commit(self)  # type: ignore[arg-type]

    monkeypatch.setattr(volume._Staged, "commit", slow_commit)
    task = asyncio.create_task(run_attempt(assignment(), Kept(), place.context(Double())))
    result = await task
    assert result.result == "succeeded"  # type: ignore[attr-defined]
    assert place.published() == ["out/main.mp4", "out/poster.jpg"]


@pytest.mark.parametrize("double", [Double(names=("main",)), Double(names=("poster", "main")), Double(outside=True)])
async def test_the_renderer_is_not_believed(place: Place, double: Double) -> None:
    result = await run_attempt(assignment(), Kept(), place.context(double))
    assert result.reason is Reason.VERIFICATION_FAILED
    assert place.published() == []


async def test_a_source_that_changes_is_tried_again(place: Place) -> None:
    (place.media / "a.jpg").write_text("picture")
    order: Assignment = assignment(color=None, image={"uri": "volume://media/a.jpg"})

    class Changing(Double):
        async def render(self, task: RenderTask, on_progress: Callable[[Progress], None]) -> Done:
            (place.media / "a.jpg").write_text("something else")
            return await super().render(task, on_progress)

    result = await run_attempt(order, Kept(), place.context(Changing()))
    assert result.reason is Reason.STORAGE_UNAVAILABLE
    assert "was changed while it was read" in result.message


async def test_what_may_surprise_is_in_the_result(place: Place) -> None:
    result = await run_attempt(assignment(), Kept(), place.context(Double(warnings=("its end is missing",))))
    assert (result.result, result.warnings) == ("succeeded", ("its end is missing",))


async def test_processor_time_is_bounded_by_deadline_and_threads(place: Place) -> None:
    double = Double()
    await run_attempt(assignment(deadline="1m"), Kept(), place.context(double))
    assert double.tasks[0].cpu_s == 60 * 3 + 60
    assert double.tasks[0].settings.threads == 2


async def test_the_renderer_is_told_which_encoders_to_use(place: Place) -> None:
    double = Double()
    encoding = Encoding(hardware=Hardware.VAAPI)
    await run_attempt(assignment().model_copy(update={"encoding": encoding}), Kept(), place.context(double))
    assert double.tasks[0].settings.encoding == encoding
