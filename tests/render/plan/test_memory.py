"""What a plan says of memory, beside what the render takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.memory import LEAST, MOST, Peaks
from hack.media import copy_to


@pytest.mark.parametrize("name", ["fit", "minimal", "twenty banners"])
def test_a_plan_predicts_the_peak_of_its_render(tmp_path: Path, name: str) -> None:
    copy_to(tmp_path)
    command = [sys.executable, "-m", "bench.memory_of", name, "2", str(tmp_path)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]).stdout
    peaks = Peaks(**json.loads(said))
    assert LEAST <= peaks.error <= MOST, peaks
