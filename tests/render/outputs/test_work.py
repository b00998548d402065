"""What a render says of its work: each kind of span that it has, and no more time than there was."""

import time
from pathlib import Path

import pytest

from tests.render.studio import Studio, color
from videojob_contract.resources.work import FRAME_S, FULL_HD, WorkDone, WorkKind
from videojob_worker.engine import render

FADE = {"transition": {"type": "crossfade", "duration": "1s"}}
MP4 = {"name": "main", "format": "mp4"}


def work_of(studio: Studio, *, threads: int = 1, **options: object) -> tuple[dict[WorkKind, WorkDone], float]:
    request = studio.request([color("#203040", "3s"), color("#a03040", "3s", **FADE)], threads=threads, **options)
    started = time.monotonic()
    render(request, lambda _: None, lambda: False)
    return {each.kind: each for each in request.work.report()}, time.monotonic() - started


@pytest.mark.parametrize("threads", [1, 2])
def test_each_kind_is_told_with_what_it_took_of_the_time(tmp_path: Path, threads: int) -> None:
    work, wall_s = work_of(Studio(tmp_path / "scratch"), threads=threads, size=(640, 360))
    assert work.keys() == {WorkKind.STILL, WorkKind.BLEND}
    assert all(each.took_s > 0 for each in work.values())
    assert sum(each.took_s for each in work.values()) <= wall_s
    blended = 25 * FRAME_S[WorkKind.BLEND] * 640 * 360 / FULL_HD
    assert work[WorkKind.BLEND].planned_s == pytest.approx(blended)


def test_two_outputs_are_twice_the_work_and_two_passes_more(tmp_path: Path) -> None:
    one, _ = work_of(Studio(tmp_path / "one"))
    same = MP4 | {"name": "other"}
    two, _ = work_of(Studio(tmp_path / "two"), outputs=[MP4, same])
    twice, _ = work_of(Studio(tmp_path / "twice"), outputs=[MP4 | {"bitrate": "200k", "twoPass": True}])
    planned = [work[WorkKind.BLEND].planned_s for work in (one, two, twice)]
    assert planned == pytest.approx([planned[0], 2 * planned[0], 1.5 * planned[0]])


def test_pictures_alone_are_no_pass(tmp_path: Path) -> None:
    work, _ = work_of(Studio(tmp_path / "scratch"), outputs=[{"name": "poster", "format": "jpg"}])
    assert work == {}
