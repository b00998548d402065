"""What is shown of a URI has no secret in it."""

import pytest
from pydantic import ValidationError

from tests.unit.contract.examples import POOL, problems, videojob
from videojob_contract.defaults import resolve
from videojob_contract.resources import VideoJobSpec
from videojob_contract.resources.uris import Use, iter_uris, redact_uri
from videojob_contract.validation import SpecError, parse_videojob


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
    assert redact_uri(uri) == expected
    assert redact_uri(expected) == expected


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
    told = problems(outputs=outputs)
    assert all("s3://bucket/a" in problem for problem in told)
    assert "secret" not in "".join(told)


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


def test_every_uri_is_found_with_its_path_and_use() -> None:
    def uri(name: str) -> str:
        return f"volume://media/{name}"

    spec = parse_videojob(
        videojob(
            {"image": {"uri": uri("a.jpg")}, "duration": "1s"},
            {"video": {"uri": uri("b.mp4")}},
            {"title": {"text": "x", "font": uri("c.ttf")}, "duration": "1s"},
            {"title": {"text": "x", "font": "Open Sans"}, "duration": "1s"},
            overlays=[
                {"image": {"uri": uri("d.png")}},
                {"video": {"uri": uri("e.mp4")}},
                {"title": {"text": "x", "font": uri("f.otf")}},
            ],
            subtitles={"uri": uri("g.srt"), "style": {"font": uri("h.ttf")}},
            audio={"tracks": [{"uri": uri("i.mp3")}]},
            outputs=[{"name": "main", "format": "mp4", "uri": uri("j.mp4")}],
        )
    ).spec
    assert list(iter_uris(spec)) == [
        ("spec.clips[0].image.uri", uri("a.jpg"), Use.SOURCE),
        ("spec.clips[1].video.uri", uri("b.mp4"), Use.SOURCE),
        ("spec.clips[2].title.font", uri("c.ttf"), Use.SOURCE),
        ("spec.overlays[0].image.uri", uri("d.png"), Use.SOURCE),
        ("spec.overlays[1].video.uri", uri("e.mp4"), Use.SOURCE),
        ("spec.overlays[2].title.font", uri("f.otf"), Use.SOURCE),
        ("spec.subtitles.uri", uri("g.srt"), Use.SOURCE),
        ("spec.subtitles.style.font", uri("h.ttf"), Use.SOURCE),
        ("spec.audio.tracks[0].uri", uri("i.mp3"), Use.SOURCE),
        ("spec.outputs[0].uri", uri("j.mp4"), Use.OUTPUT),
    ]


@pytest.mark.parametrize(
    ("font", "problem"),
    [
        (
            "ftp://host/a.ttf?secret",
            "ftp://host/a.ttf is not a URI: write volume://NAME/path, s3://BUCKET/key, https://… or http://…",
        ),
        ("volume://media/../a.ttf", "volume://media/../a.ttf must not have empty, . or .. parts in its path"),
    ],
)
def test_a_font_by_its_uri_is_checked_as_one(font: str, problem: str) -> None:
    clip = {"title": {"text": "x", "font": font}, "duration": "1s"}
    assert problems(clip) == [f"spec.clips[0].title.font: {problem}"]
