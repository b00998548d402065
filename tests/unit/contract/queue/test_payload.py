import base64
import json
import zlib
from typing import Any

import pytest

from tests.integration.queue.conftest import assignment
from videojob_contract.queue.payload import MAX_BYTES, pack, unpack


def test_an_assignment_comes_back_as_it_was() -> None:
    assert unpack(pack(assignment("a"))) == assignment("a")


def test_it_is_text_of_few_bytes() -> None:
    clips = [{"image": {"uri": f"volume://media/photos/{n}.jpg"}, "duration": "3s"} for n in range(500)]
    spec = assignment("a").spec.model_validate({"clips": clips})
    given = assignment("a").model_copy(update={"spec": spec})
    packed = pack(given)
    assert packed.isascii()
    assert unpack(packed) == given
    assert len(packed) < len(given.model_dump_json()) / 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "\udcff",
        base64.b85encode(b"x").decode(),
        base64.b85encode(zlib.compress(b"{}")).decode(),
        pack(assignment("a"))[:-10],
        base64.b85encode(zlib.compress(b" " * (MAX_BYTES + 1))).decode(),
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(text)


def test_what_a_later_operator_says_beside_is_passed_over_but_not_what_the_frames_depend_on() -> None:
    given = json.loads(assignment("a").model_dump_json())
    assert unpack(packed(given | {"later": 1})) == assignment("a")
    with pytest.raises(ValueError, match="later"):
        unpack(packed(given | {"spec": given["spec"] | {"later": 1}}))


def packed(given: dict[str, Any]) -> str:
    return base64.b85encode(zlib.compress(json.dumps(given).encode())).decode()
