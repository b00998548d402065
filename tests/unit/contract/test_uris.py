"""What is shown of a URI has no secret in it."""

import pytest
from pydantic import ValidationError

from tests.unit.contract.examples import POOL, problems, videojob
from videojob_contract.resources import VideoJobSpec
from videojob_contract.resources.defaults import resolve
from videojob_contract.resources.uris import shown
from videojob_contract.validation import SpecError


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://host/a.jpg", "https://host/a.jpg"),
        ("https://host/a.jpg?X-Amz-Signature=secret", "https://host/a.jpg"),
        ("https://host?secret", "https://host"),
        ("https://host/a.jpg#secret", "https://host/a.jpg"),
        ("https://host/a.jpg#secret?secret#secret", "https://host/a.jpg"),
        ("https://user:secret@host:8443/a.jpg", "https://host:8443/a.jpg"),
        ("https://user:sec@ret@host/a.jpg", "https://host/a.jpg"),
        ("https://host/@someone/a@2x.jpg", "https://host/@someone/a@2x.jpg"),
        ("https://[::1]:80/a.jpg", "https://[::1]:80/a.jpg"),
        ("volume://media/a%3Fb%23c.jpg", "volume://media/a%3Fb%23c.jpg"),
        ("https:/user:secret@host/a.jpg", "https:/host/a.jpg"),
        ("host/a.jpg?secret", "host/a.jpg"),
        ("https://host/a.jpg?sec\nret", "https://host/a.jpg"),
    ],
)
def test_what_can_be_secret_is_left_out(uri: str, expected: str) -> None:
    assert shown(uri) == expected
    assert shown(expected) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "ftp://user:secret@host/a.jpg?secret",
        "host/a.jpg?secret",
        "https://host/a b.jpg?secret",
        "https://user:secret@host/" + "a" * 2048,
        "https:///a.jpg?secret",
        "volume://media?secret",
        "volume://media/?secret",
        "volume://media/a.jpg#secret",
        "volume://media//a.jpg?secret",
        "volume://user:secret@media/../a.jpg",
    ],
)
def test_a_problem_repeats_no_secret(uri: str) -> None:
    [problem] = problems({"image": {"uri": uri}, "duration": "1s"})
    assert problem.startswith("spec.clips[0].image.uri: ")
    assert "secret" not in problem


def test_outputs_that_meet_repeat_no_secret() -> None:
    uri = "s3://user:secret@bucket/a?secret"
    outputs = [{"name": name, "format": "mp4", "uri": uri} for name in ("a", "b")]
    [problem] = problems(outputs=outputs)
    assert "s3://bucket/a" in problem
    assert "secret" not in problem


@pytest.mark.parametrize("place", ["elsewhere", "archive"])
def test_a_problem_with_the_pool_repeats_no_secret(place: str) -> None:
    output = {"name": "a", "format": "mp4", "uri": f"volume://user:secret@{place}/a.mp4"}
    spec = VideoJobSpec.model_validate(videojob(outputs=[output])["spec"])
    with pytest.raises(SpecError) as caught:
        resolve(spec, POOL, namespace="films", name="job")
    assert f"volume://{place}/a.mp4" in caught.value.message
    assert "secret" not in caught.value.message


def test_a_traceback_repeats_no_value() -> None:
    with pytest.raises(ValidationError) as caught:
        VideoJobSpec.model_validate({"clips": [{"image": {"uri": "ftp://user:secret@host/a.jpg"}, "duration": "1s"}]})
    assert "clips.0.image.uri" in str(caught.value)
    assert "secret" not in str(caught.value)
