"""The examples of the page on object storage are valid, and name what there is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.contract.examples import problems, videojob
from videojob_contract.support import unsupported_pool
from videojob_contract.validation import parse_renderpool

PAGE = (Path(__file__).parents[3] / "docs" / "object-storage.md").read_text()
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
POOLS = [example for example in EXAMPLES if "storage" in example]
OUTPUTS = [example for example in EXAMPLES if "outputs" in example]


@pytest.mark.parametrize(
    "example", POOLS, ids=lambda example: "-".join(each["name"] for each in example["storage"]["objects"])
)
def test_an_example_of_a_pool_is_one(example: dict[str, Any]) -> None:
    pool = parse_renderpool({"spec": example}).spec
    assert pool.storage.objects
    assert unsupported_pool(pool) == []


def test_examples_of_outputs_are_such() -> None:
    assert OUTPUTS
    for example in OUTPUTS:
        assert problems(resource=videojob(**example)) == []


def test_policies_are_json() -> None:
    policies = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert policies
    for policy in policies:
        assert json.loads(policy)["Statement"]


def test_every_link_within_the_page_leads_somewhere() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= anchors
