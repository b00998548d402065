"""One segment's encoder: what it says of its frames."""

from fractions import Fraction
from pathlib import Path

from PIL import Image

from videojob_contract.resources.outputs import Codec
from videojob_worker.encode.settings import VideoSettings
from videojob_worker.encode.video import SegmentEncoder
from videojob_worker.pixels.yuv import from_rgb
from videojob_worker.timeline.segments import Segment
from videojob_worker.timeline.spans import Span, SpanKind


def test_each_frame_is_told_of_when_it_is_given_and_when_it_is_done(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    with SegmentEncoder(
        VideoSettings(Codec.H264, "libx264", 320, 180, Fraction(30), crf=23),
        Segment((Span(100, 90, SpanKind.STILL, (0,)),), 90.0),
        1,
        tmp_path / "segment.h264",
        on_given=lambda frame: told.append(("given", frame)),
        on_frame=lambda frame: told.append(("done", frame)),
        stopped=lambda: False,
    ) as encoder:
        encoder.write(from_rgb(Image.new("RGB", (320, 180), "navy")), 90)
        encoder.close()
    assert [frame for what, frame in told if what == "given"] == list(range(100, 190))
    assert sorted(frame for what, frame in told if what == "done") == list(range(100, 190))
    ahead = told.index(next(each for each in told if each[0] == "done"))
    assert ahead > 10, "the encoder looks ahead: the first is done late"
