"""What the programs that run for long say of themselves, and that no argument starts them by mistake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from videojob_contract.version import __version__

LISTED = {"videojob-operator": "VIDEOJOB_REDIS_URL=redis://", "videojob-gateway": "VIDEOJOB_HOST=127.0.0.1"}
PROGRAMS = (*LISTED, "videojob-worker")


def run(program: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    path = Path(sys.executable).with_name(program)
    return subprocess.run(
        [path, *arguments], env=os.environ | env, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_tells_its_version_and_what_it_is(program: str) -> None:
    assert run(program, "--version").stdout == f"{program} {__version__}\n"
    helped = run(program, "--help")
    assert helped.returncode == 0
    assert f"usage: {program}" in helped.stdout
    assert LISTED.get(program, "The operator starts it") in helped.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_argument_that_there_is_not_is_refused(program: str) -> None:
    done = run(program, "--namespace=team")
    assert done.returncode == 2
    assert "unrecognized arguments: --namespace=team" in done.stderr


def test_a_setting_that_is_wrong_is_named_with_the_program() -> None:
    done = run("videojob-operator", VIDEOJOB_LOG_FORMAT="xml")
    assert done.returncode == 1
    assert done.stderr.startswith("videojob-operator: VIDEOJOB_LOG_FORMAT is one of json, text")
