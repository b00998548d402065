"""What may happen to any writer: the disk is full, or the job is cancelled; at every stage, in every format."""

import importlib
import time
from itertools import count, pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests import media
from tests.render import barcodes
from tests.render.studio import Studio, uri
from videojob_contract.errors import CancelledError, Reason, TransientError
from videojob_worker.outputs.thread_pool import RenderThreads

SOUND = {"uri": uri(media.music()), "loop": True}
STEP_S = 0.002


@pytest.mark.parametrize(
    ("output", "file"),
    [
        ({"format": "mp4"}, "main-0000.packets"),
        ({"format": "mp4"}, "main.mp4"),
        ({"format": "mp4", "faststart": False}, "main.mp4"),
        ({"format": "mp4"}, "aac-160000.packets"),
        ({"format": "webm"}, "main.webm"),
        ({"format": "gif"}, "main-0000.packets"),
        ({"format": "gif"}, "main.gif"),
        ({"format": "webp"}, "main.webp"),
        ({"format": "mp3"}, "main.mp3"),
        ({"format": "m4a"}, "main.m4a"),
        ({"format": "jpg"}, "main.jpg"),
        ({"format": "png"}, "main.png"),
        ({"format": "sprite"}, "main/main.jpg"),
        ({"format": "sprite"}, "main/main.vtt"),
        ({"format": "hls"}, "main/main.m3u8"),
        ({"format": "hls"}, "main/parts/90p-init.mp4"),
        ({"format": "hls"}, "main/parts/90p-00000.m4s"),
        ({"format": "hls"}, "main/parts/audio-00000.m4s"),
        ({"format": "mp4", "bitrate": "300k", "twoPass": True}, "main-0000.packets"),
    ],
    ids=lambda each: each if isinstance(each, str) else each["format"],
)
def test_a_full_disk_is_named_whoever_writes(
    studio: Studio, output: dict[str, Any], file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips, files = barcodes.numbered(studio.scratch.parent / "pictures", 4, "200ms")
    full = studio.scratch / file
    # Folders that the render makes itself may be there already.
    mkdir = Path.mkdir
    monkeypatch.setattr(Path, "mkdir", lambda self, *_, **__: mkdir(self, parents=True, exist_ok=True))
    full.parent.mkdir()
    full.symlink_to("/dev/full")
    with pytest.raises(TransientError) as caught:
        studio.render(clips, files=[*files, media.music()], outputs=[{"name": "main", **output}], tracks=[SOUND])
    assert caught.value.reason is Reason.DISK_FULL


@pytest.mark.parametrize(
    ("output", "stage"),
    [
        ({"format": "mp4"}, "encode.sound._frames"),
        ({"format": "mp4"}, "outputs.media_file.write_container"),
        ({"format": "mp4"}, "outputs.media_file.verify_file"),
        ({"format": "webm"}, "outputs.media_file.verify_file"),
        ({"format": "gif"}, "outputs.formats.gif._palette"),
        ({"format": "gif"}, "outputs.formats.gif._indexed"),
        ({"format": "gif"}, "outputs.formats.gif.verify_gif"),
        ({"format": "webp"}, "outputs.formats.webp._bitstream"),
        ({"format": "webp"}, "outputs.formats.webp.verify_webp"),
        ({"format": "hls", "segmentDuration": "1s"}, "outputs.hls.write.write_container"),
        ({"format": "hls", "segmentDuration": "1s"}, "outputs.hls.write.verify_hls"),
        ({"format": "sprite"}, "outputs.formats.sprite.to_rgb"),
        ({"format": "mp4", "bitrate": "300k", "twoPass": True}, "outputs.passes.SegmentEncoder"),
    ],
    ids=lambda each: each if isinstance(each, str) else each["format"],
)
def test_a_cancel_takes_effect_at_every_stage(
    studio: Studio, output: dict[str, Any], stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips, files = barcodes.numbered(studio.scratch.parent / "pictures", 50, "120ms")
    begun = Event()
    began_at: list[float] = []
    module, _, name = f"videojob_worker.{stage}".rpartition(".")
    begin, check_cancelled = getattr(importlib.import_module(module), name), RenderThreads.check_cancelled

    def begins(*arguments: Any, **options: Any) -> Any:
        began_at.append(time.monotonic())
        begun.set()
        return begin(*arguments, **options)

    def slowly(render_threads: RenderThreads) -> None:
        check_cancelled(render_threads)
        if begun.is_set():
            time.sleep(0.03)  # what is asked less often than a few times a second is found out

    monkeypatch.setattr(f"{module}.{name}", begins)
    monkeypatch.setattr(RenderThreads, "check_cancelled", slowly)
    outputs = [{"name": "main", **output}]
    with pytest.raises(CancelledError):
        studio.render(clips, files=[*files, media.music()], outputs=outputs, tracks=[SOUND], cancelled=begun.is_set)
    assert time.monotonic() - began_at[0] < 0.5


def test_progress_is_told_twice_a_second_in_all_stages(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    clips, files = barcodes.numbered(studio.scratch.parent / "pictures", 20, "120ms")
    check_cancelled = RenderThreads.check_cancelled
    steps = count()

    def slowly(render_threads: RenderThreads) -> None:
        check_cancelled(render_threads)
        next(steps)
        time.sleep(STEP_S)

    monkeypatch.setattr(RenderThreads, "check_cancelled", slowly)
    outputs = [
        {"name": "a", "format": "mp4", "bitrate": "300k", "twoPass": True},
        {"name": "b", "format": "webm"},
        {"name": "c", "format": "gif"},
        {"name": "d", "format": "hls"},
        {"name": "e", "format": "sprite"},
    ]
    told: list[tuple[float, int, Any]] = []
    studio.render(
        clips,
        files=[*files, media.music()],
        outputs=outputs,
        tracks=[SOUND],
        threads=2,
        on_progress=lambda progress: told.append((time.monotonic(), next(steps), progress)),
    )
    percents = [progress.percent for _, _, progress in told]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    # In steps, which take longer where much else is done: two threads make as many in half a second at most.
    assert max(after - before for (_, before, _), (_, after, _) in pairwise(told)) < 2 * 0.5 / STEP_S
    assert told[-1][0] - told[0][0] > 1
