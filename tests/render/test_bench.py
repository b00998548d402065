"""The benchmark itself: it runs, measures every way, and says what it found."""

import json
import sys
from pathlib import Path

import pytest

from bench import render


@pytest.mark.parametrize("row", ["photographs", "joined"])
def test_each_way_is_measured_and_judged(row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "_RESULTS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["render", "--quick", "--rows", row, "--skip", "moviepy", "moviepy-usual"])
    render.main()
    found = json.loads((tmp_path / "render.json").read_text())["rows"][row]
    assert all(way["error"] is None and way["wall_s"] > 0 and way["cpu_s"] > 0 for way in found["ways"])
    assert found["times_ffmpeg"] > 0
    if row == "photographs":
        assert [way["way"] for way in found["ways"]] == ["ours", "plain", "frames", "ffmpeg"]
        assert all(way["psnr_db"] > way["worst_db"] > 30 for way in found["ways"][:2])
        assert found["psnr_to_plain_db"] > -0.3
    else:
        assert [way["way"] for way in found["ways"]] == ["ours", "ffmpeg"]


def test_a_way_that_fails_is_said_to_have_failed(tmp_path: Path) -> None:
    measured = render.measure("joined", "moviepy-usual", "QUICK", tmp_path / "none.mp4")
    assert measured.error == "joined is not written in this way: moviepy-usual"
