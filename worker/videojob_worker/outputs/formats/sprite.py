"""Sheets of thumbnails, with a WebVTT file that says which part of the sheet shows which time."""

from collections.abc import Iterable
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from PIL import Image

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.output_files import beside
from videojob_contract.resources.outputs import Output
from videojob_worker.outputs.formats.base import OutputFormat, main_file_in_folder
from videojob_worker.outputs.frame_grabs import Take
from videojob_worker.outputs.jpeg import save_jpeg
from videojob_worker.outputs.sizes import output_size
from videojob_worker.outputs.streams import EncodedStreams
from videojob_worker.outputs.thread_pool import RenderThreads
from videojob_worker.outputs.times import timestamp
from videojob_worker.pixels.yuv import Picture, to_rgb
from videojob_worker.plan.outputs import PlannedOutput
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.timeline.times import Timeline
from videojob_worker.verify.sprite import verify_sprite

_THUMBNAIL_WIDTH = 160
_THUMBNAIL_COST = 3.0
"""Predicted cost of one, in the unit of `timeline/cost.py`."""
_COLUMNS = 10
_MOST_THUMBNAILS = 100
"""Where no interval is given."""
_LONGEST_SIDE = 65_500
"""Of a JPEG, in pixels."""
_MOST_PIXELS = 100_000_000


class SpriteOutput(OutputFormat):
    """A sheet of thumbnails, and what says when each is seen."""

    @classmethod
    def resolve(cls, field: str, spec: Output, plan: RenderPlan) -> PlannedOutput:
        """Plan the size of a thumbnail, and no stream."""
        thumbnail = output_size(spec, plan.canvas, most=_THUMBNAIL_WIDTH)
        return PlannedOutput(field, spec, main_file_in_folder(spec, plan), thumbnail, (), None)

    def cost(self) -> float:
        """Predict what its thumbnails cost, in the unit of `timeline/cost.py`.

        Raises:
            PermanentError: the sheet would be larger than a picture may be.
        """
        return _THUMBNAIL_COST * self._sheet.count

    def wants(self) -> Iterable[tuple[int, Take]]:
        """Fill the sheet as its frames pass."""
        sheet = self._sheet
        return [(sheet.frame(number), partial(sheet.take, number)) for number in range(sheet.count)]

    def write(self, encoded: EncodedStreams, render_threads: RenderThreads) -> tuple[Path, ...]:
        """Write sheet and WebVTT file, and check them; return all files but the sheet.

        Raises:
            PermanentError: they are not what was planned.
        """
        del encoded, render_threads
        return self._sheet.write()

    def ways(self) -> Iterable[str]:
        """Say what it is made from."""
        return ("from pictures of the timeline",)

    @cached_property
    def _sheet(self) -> "Sheet":
        return Sheet(self.output, self.plan.timeline)


class Sheet:
    """A sheet that is filled as pictures pass, in any order and from several threads.

    Raises:
        PermanentError: it would be larger than a picture may be.
    """

    def __init__(self, output: PlannedOutput, timeline: Timeline) -> None:
        spec = output.spec
        self._output, self._timeline = output, timeline
        self._size = output.picture_size
        self.interval_s = spec.interval or max(Fraction(1), timeline.length_s / _MOST_THUMBNAILS)
        self.count = -int(-timeline.length_s / self.interval_s // 1)
        self._columns = min(spec.columns or _COLUMNS, self.count)
        width, height = self._columns * self._size[0], -(-self.count // self._columns) * self._size[1]
        if max(width, height) > _LONGEST_SIDE or width * height > _MOST_PIXELS:
            raise PermanentError(
                f"{output.field}.interval: {self.count} thumbnails make a sheet of {width}x{height} pixels; choose a "
                f"longer interval, another number of columns or smaller thumbnails",
                Reason.INVALID_SPEC,
            )
        self._image: Image.Image | None = None
        self._whole = (width, height)
        self._lock = Lock()

    def frame(self, number: int) -> int:
        """Return the frame of the timeline that a thumbnail shows."""
        return self._timeline.frame_at(number * self.interval_s)

    def take(self, number: int, picture: Picture) -> None:
        """Put a picture of the canvas in its place."""
        thumbnail = to_rgb(picture).resize(self._size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        with self._lock:
            if self._image is None:
                self._image = Image.new("RGB", self._whole)
            self._image.paste(thumbnail, self._place(number))

    def write(self) -> tuple[Path, ...]:
        """Write sheet and WebVTT file, and check them; return all files but the sheet."""
        path = self._output.path
        if self._image is None:
            raise AssertionError("no frame has passed")
        path.parent.mkdir(exist_ok=True)
        save_jpeg(self._image, path)
        self._image = None
        vtt = path.with_name(beside(path.name, "vtt"))
        cues = (self._cue(number) for number in range(self.count))
        vtt.write_text("\n".join(["WEBVTT", "", *cues]))
        verify_sprite(path, vtt, self._whole, self._size, self._timeline.length_s)
        return (vtt,)

    def _place(self, number: int) -> tuple[int, int]:
        row, column = divmod(number, self._columns)
        return column * self._size[0], row * self._size[1]

    def _cue(self, number: int) -> str:
        start, end = number * self.interval_s, min((number + 1) * self.interval_s, self._timeline.length_s)
        left, top = self._place(number)
        where = f"{quote(self._output.path.name)}#xywh={left},{top},{self._size[0]},{self._size[1]}"
        return f"{timestamp(start)} --> {timestamp(end)}\n{where}\n"
