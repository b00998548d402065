"""What is wrong with a resource is said all at once, by the path of the field."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from tests.unit.contract.examples import CLIP, problems, videojob
from videojob_contract import validation
from videojob_contract.errors import FailureClass, Reason
from videojob_contract.problems import MAX_MESSAGE, Problem, SpecError, format_problems
from videojob_contract.resources import VideoJobSpec
from videojob_contract.resources.status import Phase
from videojob_contract.validation import parse_renderpool, parse_videojob


def test_all_problems_are_said_at_once_in_the_order_of_the_fields() -> None:
    assert problems(
        {"color": "red", "duration": "1s"},
        {"image": {"uri": "a.jpg"}, "duration": "3", "fit": "fill"},
        {"duration": "3s"},
        7,
        cancel="true",
        retry={"limit": "3", "backoff": {"initial": 5}},
        canvas={"fps": "29,97", "width": 1281},
        pol="default",
        startAt="2026-01-01T00:00:00",
        parallelism="some",
    ) == [
        "spec.startAt: a time needs its zone, such as 2026-01-01T00:00:00Z",
        'spec.cancel: should be a valid boolean, not "true"',
        'spec.retry.limit: should be a valid integer, not "3"',
        'spec.retry.backoff.initial: a duration is a string with a unit, such as "3s", "500ms" or "1m30s"',
        "spec.parallelism: should be a valid integer, not \"some\", or 'auto'",
        "spec.canvas.width: should be a multiple of 2, not 1281",
        'spec.canvas.fps: \'29,97\' is not a frame rate: write "30", "30000/1001" or "29.97"',
        'spec.clips[0].color: "red" is not a colour: write "#rrggbb", such as "#203040"',
        'spec.clips[1].image.uri: "a.jpg" is not a URI: write volume://NAME/path, s3://BUCKET/key, https://… or http://…',
        (
            'spec.clips[1].duration: "3" is not a duration: write a number with a unit, such as 3s, 500ms or 1m30s'
            ", or 'auto'"
        ),
        "spec.clips[1].fit: should be 'cover', 'contain', 'blur' or 'stretch', not \"fill\"",
        "spec.clips[2]: a clip has exactly one of image, video, color, gradient, title; this one has none of them",
        "spec.clips[3]: should be an object, not 7",
        "spec.pol: is not a field here; did you mean pool?",
    ]


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ({"spec": {}}, "spec.clips: is required"),
        ({}, "spec: is required"),
        (videojob({**CLIP, "durration": "1s"}), "spec.clips[0].durration: is not a field here; did you mean duration?"),
        (videojob(audio={"tracks": [{"uri": "volume://m/a.mp3", "fade_in": "1s"}]}),
         "spec.audio.tracks[0].fade_in: is not a field here; did you mean fadeIn?"),
        (videojob(colour="#000000"), "spec.colour: is not a field here"),
        (videojob(*[CLIP] * 501), "spec.clips: takes at most 500, and has 501"),
        ({"spec": None}, "spec: should be an object, not null"),
        ({**videojob(), "kind": "RenderPool"}, "kind: should be 'VideoJob', not \"RenderPool\""),
        (videojob(clips=[]), "spec.clips: needs at least 1, and has 0"),
        (videojob(pool="A"),
         'spec.pool: "A" is not a name: use lower case letters, digits and -, with no - at either end'),
        ({**videojob(), "metadata": {"name": "x" * 64}}, "metadata.name: must have at most 63 characters"),
        ({**videojob(), "metadata": {"name": 5}}, "metadata.name: should be a string, not 5"),
        (videojob({**CLIP, 1: 2}), "spec.clips[0].1: is not a field here"),
        (videojob({"video": {"uri": "volume://m/a b"}}), ('spec.clips[0].video.uri: "volume://m/a b" is '
         "not a URI: write volume://NAME/path, s3://BUCKET/key, https://… or http://…; a space is written %20")),
        (videojob(outputs=[{"name": "a", "format": "mp4", "bitrate": "4Mbps"}]),
         'spec.outputs[0].bitrate: "4Mbps" is not a bitrate: write 4M or 800k'),
        (videojob(outputs=[{"name": "a", "format": "webm", "preset": 8}]),
         "spec.outputs[0].preset: should be text, not 8: put it in quotes"),
        (videojob({"image": "volume://m/a.jpg", "duration": "1s"}),
         'spec.clips[0].image: should be an object, not "volume://m/a.jpg"; did you mean {uri: "volume://m/a.jpg"}?'),
        (videojob({**CLIP, "transition": "crossfade"}),
         'spec.clips[0].transition: should be an object, not "crossfade"; did you mean {type: "crossfade"}?'),
        (videojob(audio={"tracks": ["volume://m/a.mp3"]}),
         ('spec.audio.tracks[0]: should be an object, not "volume://m/a.mp3"; '
          'did you mean {uri: "volume://m/a.mp3"}?')),
        (videojob(canvas="720p"), 'spec.canvas: should be an object, not "720p"'),
    ],
)  # fmt: skip
def test_one_problem(resource: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_videojob(resource)
    assert str(caught.value) == message


def test_a_long_wrong_value_is_cut() -> None:
    [problem] = problems({**CLIP, "color": "x" * 500})
    assert len(problem) < 150


def test_the_error_is_permanent_and_names_the_reason() -> None:
    error = SpecError([Problem("spec.clips", "is required")])
    assert (error.failure_class, error.reason) == (FailureClass.PERMANENT, Reason.INVALID_SPEC)
    assert SpecError([Problem("spec.motion", "…")], Reason.NOT_SUPPORTED).reason is Reason.NOT_SUPPORTED


def test_many_problems_fit_into_a_conditions_message() -> None:
    found = [Problem(f"spec.clips[{index}].duration", "is required: only a video has one") for index in range(500)]
    lines = format_problems(found).splitlines()
    assert len("\n".join(lines)) <= MAX_MESSAGE
    assert lines[:-1] == [str(problem) for problem in found[: len(lines) - 1]]
    assert lines[-1] == f"and {500 - len(lines) + 1} more problems"


def test_one_endless_problem_is_cut() -> None:
    assert len(format_problems([Problem("spec", "x" * 9999)])) == MAX_MESSAGE


@pytest.mark.parametrize("length", [600, 4096])
def test_a_spec_of_megabytes_is_refused_with_what_to_do(length: int) -> None:
    clip = {"title": {"text": "x" * 200}, "duration": "1s"}
    parse_videojob(videojob(*[clip] * 500))
    (problem,) = problems(*[{"title": {"text": "x" * length}, "duration": "1s"}] * 500)
    assert problem.startswith("spec: has ")
    assert "may have 256: put long texts into a file of subtitles" in problem


def test_a_spec_that_templates_make_large_is_refused_too() -> None:
    clip = {"title": {"text": "{{ long }}"}, "duration": "1s"}
    (problem,) = problems(*[clip] * 500, parameters={"long": "x" * 1000})
    assert problem.startswith("spec: has 5")


def test_a_status_is_read() -> None:
    job = parse_videojob(videojob() | {"status": {"phase": "Running", "eta": "2026-01-01T00:00:12Z"}})
    assert job.status is not None
    assert job.status.phase is Phase.RUNNING
    assert job.status.eta == datetime(2026, 1, 1, 0, 0, 12, tzinfo=UTC)


def test_a_status_of_another_version_is_no_fault_of_the_job() -> None:
    assert parse_videojob(videojob() | {"status": {"phase": "Dreaming"}}).status is None


def test_unquoted_times_of_yaml_are_read() -> None:
    resource = yaml.safe_load("{spec: {startAt: 2026-01-01T00:00:00Z, clips: [{color: '#000000', duration: 1s}]}}")
    assert parse_videojob(resource).spec.start_at == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["{2026-01-01: x}", "{spec: !!binary aGk=}", "&a {spec: *a}"], ids=["key", "bytes", "circle"]
)
def test_what_json_cannot_say_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="resource: cannot be written as JSON: "):
        parse_videojob(yaml.safe_load(text))


def test_the_wire_form_comes_back_as_it_was() -> None:
    text = videojob(
        CLIP,
        {
            "image": {"uri": "volume://media/a.jpg"},
            "duration": "2500ms",
            "motion": {"zoom": {"from": 1, "to": 1.2}},
            "transition": {"type": "fade"},
            "effects": [{"name": "Rotate", "args": {"angle": 0.5, "expand": True, "unit": "rad", "center": [1, 2.5]}}],
        },
        canvas={"fps": "29.97"},
        parameters={"name": "Ana", "count": 3, "scale": 0.5, "loud": True},
        parallelism="auto",
    )
    job = parse_videojob(text)
    wire = job.to_dict()
    assert parse_videojob(json.loads(json.dumps(wire))) == job
    assert wire["spec"]["parameters"] == {"name": "Ana", "count": 3, "scale": 0.5, "loud": True}
    assert wire["spec"]["clips"][1]["effects"][0]["args"] == {
        "angle": 0.5,
        "expand": True,
        "unit": "rad",
        "center": [1, 2.5],
    }
    assert wire["spec"]["canvas"] == {"fps": "30000/1001"}


def test_names_within_a_pool_differ() -> None:
    twice = [{"name": "media", "source": {"emptyDir": {}}}] * 2
    with pytest.raises(SpecError, match="spec: volumes must have different names, not media, media"):
        parse_renderpool({"spec": {"volumes": twice}})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"minIdle": 2, "maxWorkers": 1}, "spec.minIdle: must not be more than maxWorkers, which is 1"),
        ({"minIdle": 2, "maxWorkers": 0}, None),  # paused
        *((
            {
                "volumes": [{"name": "a", "source": {}}, {"name": "ro", "source": {}, "readOnly": True}],
                "storage": {"outputPrefix": "volume://a/out", "uploads": {"prefix": "volume://a/in", **wrong},
                            "objects": [{"name": "films", "provider": "s3", "bucket": "films", "readOnly": True}]},
            }, problem)
          for wrong, problem in (
            ({"ttl": "59m"}, "spec.storage.uploads.ttl: must be at least 1h"),
            ({"prefix": "volume://a"},
             ("spec.storage.outputPrefix: volume://a/out: is below storage.uploads of the pool, where nothing stays\n"
              "spec.storage.uploads.prefix: volume://a: name a folder, for all that is old in it is removed")),
            ({"prefix": "volume://a//"},
             ("spec.storage.outputPrefix: volume://a/out: is below storage.uploads of the pool, where nothing stays\n"
              "spec.storage.uploads.prefix: volume://a: name a folder, for all that is old in it is removed")),
            ({"prefix": "https://a/in"},
             "spec.storage.uploads.prefix: https://a/in: is neither in a volume nor in an object store"),
            ({"prefix": "volume://b/in"},
             'spec.storage.uploads.prefix: volume://b/in: the pool has no volume "b"; it has a, ro'),
            ({"prefix": "volume://ro/in"},
             'spec.storage.uploads.prefix: volume://ro/in: volume "ro" of the pool is read-only'),
            ({"prefix": "s3://films/in"},
             'spec.storage.uploads.prefix: s3://films/in: object store "films" of the pool is read-only'),
            ({"prefix": "volume://a/out"},
             "spec.storage.outputPrefix: volume://a/out: is below storage.uploads of the pool, where nothing stays"),
            ({"prefix": "volume://a/%6Fut/"},
             "spec.storage.outputPrefix: volume://a/out: is below storage.uploads of the pool, where nothing stays"),
          )),
        ({"storage": {"outputPrefix": "volume://a/out"}},
         'spec.storage.outputPrefix: volume://a/out: the pool has no volume "a"; it has none'),
        ({"storage": {"outputPrefix": "volume://b"}, "volumes": [{"name": "a", "source": {}}]},
         'spec.storage.outputPrefix: volume://b: the pool has no volume "b"; it has a'),
        ({"storage": {"outputPrefix": "volume://a"}, "volumes": [{"name": "a", "source": {}, "readOnly": True}]},
         'spec.storage.outputPrefix: volume://a: volume "a" of the pool is read-only'),
        *(({"storage": {"outputPrefix": f"volume://a{wrong}"}, "volumes": [{"name": "a", "source": {}}]},
           f"spec.storage.outputPrefix: volume://a{shown}")
          for wrong, shown in (("?b", ': the pool has no volume "a"; it has a'),
                               ("/out?b", "/out must not go on with ? or #; write them as %3F and %23"),
                               ("/out#b", "/out must not go on with ? or #; write them as %3F and %23"),
                               ("/../b", "/../b must not have empty, . or .. parts in its path"),
                               ("//b", "//b must not have empty, . or .. parts in its path"))),
        ({"storage": {"outputPrefix": "volume://secret@a/out"}, "volumes": [{"name": "a", "source": {}}]},
         'spec.storage.outputPrefix: volume://a/out: the pool has no volume "a"; it has a'),
        ({"storage": {"outputPrefix": "volume://a"}, "volumes": [{"name": "a", "source": {}}]}, None),
        ({"worker": {"env": [{"name": "VIDEOJOB_SCRATCH", "value": "/"}]}},
         ("spec.worker.env[0].name: VIDEOJOB_SCRATCH is taken: names that begin with VIDEOJOB_ are the operator's")),
        ({"worker": {"env": [{"value": "/"}]}}, "spec.worker.env[0].name: is required"),
        ({"worker": {"env": [{"name": "TZ", "value": "UTC"}]}}, None),
    ],
)  # fmt: skip
def test_what_must_hold_in_a_pool(spec: dict[str, Any], message: str | None) -> None:
    try:
        parse_renderpool({"spec": spec})
        found = None
    except SpecError as error:
        found = str(error)
    assert found == message


def test_a_pool_of_defaults() -> None:
    assert [queue.name for queue in parse_renderpool({"spec": {}}).spec.queues] == ["high", "default", "low"]


def test_what_is_wrong_with_a_job_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[VideoJobSpec] = []

    def check(spec: VideoJobSpec) -> list[Problem]:
        looks.append(spec)
        return [Problem("spec.deadline", "is wrong")]

    monkeypatch.setattr(validation, "check", check)
    with pytest.raises(SpecError) as caught:
        parse_videojob(videojob(), further=lambda _: [Problem("spec.notify", "is not supported yet")])
    assert [problem.path for problem in caught.value.problems] == ["spec.deadline", "spec.notify"]
    assert len(looks) == 1


@pytest.mark.parametrize(
    ("written", "advice"), [("80%", ": write 0.8"), ("0.8", ": write 0.8, without quotes"), ("loud", ""), ("1e3", "")]
)
def test_a_text_where_a_number_belongs_is_told_with_the_number(written: str, advice: str) -> None:
    found = problems(audio={"tracks": [{"uri": "volume://a/a.mp3", "volume": written}]})
    assert found == [f'spec.audio.tracks[0].volume: should be a number, not "{written}"{advice}']
