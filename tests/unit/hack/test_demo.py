"""The demo's words: the progress line, and what makes it fail."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hack import demo, media


def test_the_line_says_where_it_is_how_far_and_how_long_still() -> None:
    eta = datetime.now(UTC) + timedelta(seconds=12.2)
    status = {
        "phase": "Running",
        "stage": "Rendering",
        "progress": 50,
        "message": "frame 3 of 6, 84 fps",
        "eta": eta.isoformat(),
    }
    line = demo.describe(status)
    assert line == "  Rendering    [##########..........]  50 %  frame 3 of 6, 84 fps  12 s left"


def test_the_line_of_a_job_that_nobody_has_seen_yet() -> None:
    assert demo.describe({}).split() == ["Pending", "[....................]", "0", "%"]


def test_a_line_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    line = demo.ProgressLine()
    for progress in (1, 1, 2):
        line.show({"phase": "Queued", "progress": progress})
    line.end()
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"phase": "Failed", "failure": {"reason": "SourceNotFound", "message": "a.jpg"}}, "SourceNotFound: a.jpg"),
        ({"phase": "Cancelled", "message": "by ana"}, "Cancelled: by ana"),
        ({}, "the operator wrote nothing"),
    ],
)
def test_a_job_that_did_not_succeed_fails_the_demo_with_its_reason(status: dict[str, Any], message: str) -> None:
    with pytest.raises(demo.DemoError, match=message):
        demo.check(status)


def test_outputs_have_to_be_what_the_status_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "MEDIA", tmp_path)
    output = {"uri": "volume://media/out/main.mp4", "sha256": hashlib.sha256(b"video").hexdigest()}
    status = {"phase": "Succeeded", "outputs": [output]}
    with pytest.raises(demo.DemoError, match="missing"):
        demo.check(status)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "main.mp4").write_bytes(b"video")
    demo.check(status)
    (tmp_path / "out" / "main.mp4").write_bytes(b"another")
    with pytest.raises(demo.DemoError, match="now has"):
        demo.check(status)


def test_media_are_copied_for_every_user_to_read(tmp_path: Path) -> None:
    copies = media.copy_to(tmp_path)
    assert len(copies) == len(media.PHOTOGRAPHS) + 1 + len(media.CLIPS) + 3
    assert {copy.parent.name for copy in copies} == {"photos", "music", "clips", "pictures", "text"}
    assert all(copy.stat().st_mode & 0o777 == 0o644 for copy in copies)


def test_the_properties_are_read_from_the_file() -> None:
    assert demo.properties(media.music()) == "mp3float 11025 Hz, 1 channels"
    assert demo.properties(media.photograph("coffee.png")) == "png 600x400"


def test_the_address_of_the_metrics_names_each_graph() -> None:
    asked = parse_qs(urlsplit(demo.graphs()).query)
    assert [asked[f"g{n}.expr"] for n in range(len(demo.GRAPHS))] == [[name] for name in demo.GRAPHS]
