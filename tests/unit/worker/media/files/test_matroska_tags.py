"""When a stream ends by its tag, as Matroska's writers put it."""

from fractions import Fraction

import pytest

from videojob_worker.media.files.matroska_tags import tagged_s


@pytest.mark.parametrize(
    ("tag", "told_s"),
    [
        ("00:01:02.500000000", Fraction(125, 2)),
        ("30:00:00", Fraction(108_000)),
        ("00:00:00.04", Fraction(1, 25)),
        ("", None),
        ("62.5", None),
        ("-00:01:02.500000000", None),
        ("00:01:02,500000000", None),
        ("00:01:02.", None),
        ("00:01:02.500000000\n", None),
        ("0000000:01:02", None),
        ("\u0660\u0660:\u0660\u0661:\u0660\u0662", None),
    ],
)
def test_a_duration_is_read_and_nothing_else(tag: str, told_s: Fraction | None) -> None:
    assert tagged_s({"DURATION": tag}) == told_s


def test_another_tag_tells_nothing() -> None:
    assert tagged_s({"NUMBER_OF_FRAMES": "00:01:02"}) is None
