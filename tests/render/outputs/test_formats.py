"""Formats of outputs: each has one, and what renders, plans and explains knows of none but what it says."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.render.studio import Studio, color
from videojob_contract.resources.outputs import Format, Output
from videojob_worker import engine
from videojob_worker.outputs import formats
from videojob_worker.outputs.formats.base import OutputFormat, main_file
from videojob_worker.outputs.frame_grabs import Take
from videojob_worker.outputs.streams import EncodedStreams
from videojob_worker.outputs.thread_pool import RenderThreads
from videojob_worker.pixels.yuv import Picture
from videojob_worker.plan.outputs import PlannedOutput
from videojob_worker.plan.render_plan import RenderPlan


class Brightness(OutputFormat):
    """A text file of the brightness of one frame: as unlike all others as a format can be."""

    @classmethod
    def resolve(cls, field: str, spec: Output, plan: RenderPlan) -> PlannedOutput:
        return PlannedOutput(field, spec, main_file(spec, plan), None, (), None)

    def cost(self) -> float:
        return 1.0

    def wants(self) -> Iterable[tuple[int, Take]]:
        return ((7, self._take),)

    def write(self, encoded: EncodedStreams, render_threads: RenderThreads) -> tuple[Path, ...]:
        assert not encoded.packet_files
        render_threads.check_cancelled()
        beside = self.output.path.with_suffix(".vtt")
        beside.write_text("brightness")
        return (beside,)

    def ways(self) -> Iterable[str]:
        return ("the brightness of frame 7", "as text")

    def _take(self, picture: Picture) -> None:
        self.output.path.write_text(str(int(picture[0, 0])))


def test_every_format_is_made_by_one_class() -> None:
    assert set(formats.FORMATS) == set(Format)
    assert len(set(formats.FORMATS.values())) == len(Format)


def test_a_format_needs_a_file_and_a_line(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", {**formats.FORMATS, Format.PNG: Brightness})
    outputs = [{"name": "main", "format": "png"}]
    clips = [color("#ffffff", "1s")]
    planned = engine.plan(studio.request(clips, outputs=outputs), lambda _: None, lambda: False)
    assert planned.outputs[0].why == "the brightness of frame 7; as text"
    [rendered] = studio.render(clips, outputs=outputs)
    assert rendered.path.read_text() == "235"
    assert [path.name for path in rendered.files] == ["main.vtt"]
    assert (rendered.width, rendered.frames, rendered.duration) == (None, None, None)
