from __future__ import annotations

import subprocess
import sys

import pytest

from videojob_worker.renderer.sandbox import SUPERVISOR_BYTES, Limits, clean_environment

GIB = 1024**3


def run(code: str) -> str:
    prelude = "import ctypes, os, resource\nfrom videojob_worker.renderer.sandbox import *\n"
    done = subprocess.run([sys.executable, "-c", prelude + code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_environment_is_an_allow_list() -> None:
    env = {"PATH": "/bin", "PYTHONPATH": "x", "VIDEOJOB_REDIS_PASSWORD": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    assert clean_environment(env) == {
        "PATH": "/bin",
        "PYTHONPATH": "x",
        "OPENBLAS_NUM_THREADS": "1",
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }


def test_the_supervisor_has_its_share_of_the_memory() -> None:
    assert Limits.within(2 * GIB).memory_bytes == 2 * GIB - SUPERVISOR_BYTES
    assert Limits.within(None).memory_bytes is None


def test_a_tiny_container_leaves_the_renderer_enough_to_start() -> None:
    assert Limits.within(1).memory_bytes == 256 * 1024**2


def test_shield_makes_the_process_unreadable() -> None:
    get_dumpable = "ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)"
    assert run(f"print({get_dumpable}); shield_this_process(); print({get_dumpable})").split() == ["1", "0"]


def test_memory_limit_is_an_error_that_python_sees() -> None:
    code = (
        "confine(Limits(memory_bytes=300 * 1024**2), os.getppid())\n"
        "try:\n    bytearray(400 * 1024**2)\nexcept MemoryError:\n    print('out of memory')"
    )
    assert run(code) == "out of memory"


def test_no_core_few_files_and_no_new_privileges() -> None:
    code = (
        "confine(Limits(), os.getppid())\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_NOFILE))\n"
        "print(open('/proc/self/status').read().split('NoNewPrivs:')[1].split()[0])"
    )
    assert run(code) == "(0, 0) (1024, 1024)\n1"


def test_an_orphan_ends_at_once() -> None:
    assert run("confine(Limits(), 1 if os.getppid() != 1 else 2)\nprint('still here')") == ""


def test_processor_time_runs_out() -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        run("limit_cpu(1)\nwhile True: pass")
    assert failure.value.returncode == -24  # SIGXCPU
