"""The guide's examples are valid and supported, and what it says is not supported is refused."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.contract.examples import POOL, problems, videojob
from videojob_contract.defaults import resolve
from videojob_contract.semantics import timeline_length
from videojob_contract.support import unsupported
from videojob_contract.validation import parse_videojob

GUIDE = (Path(__file__).parents[3] / "docs" / "videojob.md").read_text()
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)]


def as_resource(example: dict[str, Any]) -> dict[str, Any]:
    return example if "kind" in example else videojob(**EXAMPLES[0]["spec"] | example)


@pytest.mark.parametrize("example", EXAMPLES, ids="-".join)
def test_an_example_can_be_rendered(example: dict[str, Any]) -> None:
    job = parse_videojob(as_resource(example))
    assert unsupported(job.spec) == []
    resolve(job.spec, POOL, namespace="films", name="holiday")


def test_the_first_example_lasts_as_long_as_the_guide_says() -> None:
    assert "the example lasts 3 + 3 − 0.5 = 5.5 s" in GUIDE  # noqa: RUF001 - a minus sign, as in the guide
    length = timeline_length(parse_videojob(EXAMPLES[0]).spec)
    assert length is not None
    assert float(length) == 5.5


def test_a_message_names_every_field_that_is_wrong() -> None:
    clip = {"image": {"uri": "volume://media/a.jpg"}, "duration": "3s"}
    wrong = {"image": {"uri": "volume://media"}, "duration": "400ms", "transition": {"type": "crossfade"}}
    assert "\n".join(problems(clip, wrong)) in GUIDE
