"""What all long-running programs read alike from their environment."""

import subprocess
import sys
from typing import Literal

import pytest
from pydantic import NonNegativeInt, ValidationError

from videojob_common.errors import ConfigError
from videojob_common.settings import CommaSeparated, EnvironmentSettings


class Example(EnvironmentSettings):
    port: NonNegativeInt = 1
    kind: Literal["a", "b"] = "a"
    names: CommaSeparated = ()


def test_a_list_is_one_variable_of_names_with_commas():
    assert Example.from_env({"VIDEOJOB_NAMES": " a,b, "}).names == ("a", "b")
    assert Example.from_env({"VIDEOJOB_NAMES": ""}).names == ()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "", 'VIDEOJOB_PORT is a number; not ""'),
        ("PORT", "1.5", 'VIDEOJOB_PORT is a number; not "1.5"'),
        ("PORT", "-1", "VIDEOJOB_PORT is not negative; not -1"),
        ("KIND", "c", 'VIDEOJOB_KIND is one of a, b; not "c"'),
    ],
)
def test_a_refusal_says_what_to_write(name: str, value: str, says: str):
    with pytest.raises(ConfigError) as refusal:
        Example.from_env({f"VIDEOJOB_{name}": value})
    assert str(refusal.value) == says


def test_settings_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        Example().port = 2  # type: ignore[misc]


def test_what_a_worker_imports_before_its_claim_is_light():
    program = "import sys, videojob_common.errors, videojob_common.logs; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert "videojob_common.logs" in loaded
    assert {"pydantic", "pydantic_settings", "httpcore"}.isdisjoint(loaded)
