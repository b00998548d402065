"""The page has words for all that the API says in one."""

import re
from pathlib import Path

import pytest

from videojob_contract.errors import Reason
from videojob_contract.resources.status import Phase, Stage
from videojob_gateway.auth.caller import Role
from videojob_gateway.statistics import By

TEXTS = Path(__file__).parents[3] / "gateway" / "web" / "src" / "texts"


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_phase_stage_reason_role_and_grouping_has_words(language: str) -> None:
    keys = set(re.findall(r'^  "([^"]+)": "[^"]+",$', (TEXTS / f"{language}.ts").read_text(), re.MULTILINE))
    enumerations = {"phase": Phase, "stage": Stage, "reason": Reason, "role": Role, "by": By}
    wanted = {f"{kind}.{each.value}" for kind, enumeration in enumerations.items() for each in enumeration}
    assert wanted - keys == set()
