"""The API server refuses what the rules of the CRDs forbid, and says why."""

from typing import Any

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.contract.test_kubectl import write_status
from tests.unit.contract.examples import CLIP, videojob
from videojob_contract.resources import API_VERSION

IMAGE = {"uri": "volume://media/a.jpg"}
MP4 = {"name": "main", "format": "mp4"}


def renderpool(name: str = "pool", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": "RenderPool", "metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (videojob({**CLIP, "title": {"text": "Hi"}}),
         'spec.clips[0]: Invalid value: "object": a clip has exactly one of image, video, color, gradient, title'),
        (videojob({"duration": "1s"}),
         'spec.clips[0]: Invalid value: "object": a clip has exactly one of image, video, color, gradient, title'),
        (videojob(CLIP, {"image": IMAGE}),
         "spec.clips[1].duration: Required value: only a video has a length of its own"),
        (videojob({"image": IMAGE, "duration": "auto"}),
         "spec.clips[0].duration: Required value: only a video has a length of its own"),
        (videojob({"color": "#000000", "duration": "0ms"}),
         "spec.clips[0].duration: Forbidden: must be longer than 0s"),
        (videojob({"color": "#000000", "duration": "0.0s000h0ms"}),
         "spec.clips[0].duration: Forbidden: must be longer than 0s"),
        (videojob({**CLIP, "transition": {"type": "crossfade"}}),
         "spec.clips: Forbidden: the first clip has no transition, because none is before it to come from"),
        (videojob(CLIP, {**CLIP, "transition": {"type": "cut", "duration": "1s"}}),
         "spec.clips[1].transition.duration: Forbidden: a cut takes no time; leave it out, or choose another type"),
        (videojob(CLIP, {**CLIP, "transition": {"type": "crossfade", "color": "#ffffff"}}),
         "spec.clips[1].transition.color: Forbidden: only a fade goes through a colour"),
        (videojob(overlays=[{"image": IMAGE, "title": {"text": "Hi"}}]),
         'spec.overlays[0]: Invalid value: "object": an overlay has exactly one of image, video, title'),
        (videojob(outputs=[MP4, {**MP4, "format": "jpg"}]),
         'spec.outputs[1]: Duplicate value: {"name":"main"}'),
        (videojob({**CLIP, "fit": "fill"}),
         'spec.clips[0].fit: Invalid value: "string": "fill" is none of cover, contain, blur, stretch'),
        (videojob({"color": "red", "duration": "1s"}),
         'spec.clips[0].color: Invalid value: "string": "red" is not a colour: write "#rrggbb", such as "#203040"'),
        (videojob(clips=[]), "spec.clips: Invalid value: 0: spec.clips in body should have at least 1 items"),
        (videojob(parallelism=257),
         "spec.parallelism: Invalid value: 257: spec.parallelism in body should be less than or equal to 256"),
        (videojob(startAt="tomorrow"), "spec.startAt in body must be of type date-time"),
        ({**videojob(), "metadata": {"name": "x" * 64}},
         "a VideoJob's name has at most 63 characters: it becomes a label of its Job"),
        (renderpool("a.b"),
         "a RenderPool's name has at most 40 lower case letters, digits and -: its Jobs are named for it"),
        (renderpool("x" * 41),
         "a RenderPool's name has at most 40 lower case letters, digits and -: its Jobs are named for it"),
        (renderpool(queues=[{"name": "a"}, {"name": "a"}]), 'spec.queues[1]: Duplicate value: {"name":"a"}'),
        (renderpool(volumes=[{"name": "a", "source": {}}] * 2), 'spec.volumes[1]: Duplicate value: {"name":"a"}'),
        (renderpool(maxWorkers=-1), "spec.maxWorkers in body should be greater than or equal to 0"),
    ],
)  # fmt: skip
def test_a_bad_resource_is_refused(
    apiserver: ApiServer, namespace: str, resource: dict[str, Any], message: str
) -> None:
    assert message in apiserver.refusal(resource, namespace)


@pytest.mark.parametrize(
    ("resource", "field"),
    [
        (videojob(clips=[]), "spec.clips"),
        (videojob({"color": "#000000", "duration": "3"}), "spec.clips[0].duration"),
        (videojob({"color": "#000000", "duration": "0"}), "spec.clips[0].duration"),
        (
            videojob(CLIP, {**CLIP, "transition": {"type": "fade", "duration": "1"}}),
            "spec.clips[1].transition.duration",
        ),
    ],
)
def test_one_fault_is_told_once(apiserver: ApiServer, namespace: str, resource: dict[str, Any], field: str) -> None:
    refusal = apiserver.refusal(resource, namespace)
    assert f"{field}: Invalid value" in refusal
    assert "evaluating rule" not in refusal
    assert refusal.count(field) - refusal.count(f"{field} in body") == 1


def test_a_misspelt_field_is_refused_when_kubectl_validates(apiserver: ApiServer, namespace: str) -> None:
    assert 'unknown field "spec.pol"' in apiserver.refusal(videojob(pol="default"), namespace)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"canvas": {"width": 640}}),
        ({"canvas": {"width": 640}}, {"canvas": {"width": 642}}),
        ({"canvas": {"width": "{{ width }}"}}, {"canvas": {"width": "{{ wide }}"}}),
        ({"overlays": [{"image": IMAGE, "opacity": 0.5}]}, {"overlays": [{"image": IMAGE, "opacity": 0.25}]}),
        ({"overlays": [{"image": IMAGE, "opacity": "{{ a }}"}]},
         {"overlays": [{"image": IMAGE, "opacity": "{{ b }}"}]}),
        ({"audio": {"tracks": [{"uri": "volume://m/a.mp3"}]}},
         {"audio": {"tracks": [{"uri": "volume://m/a.mp3", "loop": True}]}}),
        ({"canvas": {"width": 640}}, {}),
        ({}, {"clips": [{**CLIP, "duration": "3s"}]}),
        ({"clips": [{**CLIP, "effects": [{"name": "Blink", "args": {"n": [1.5]}}]}]},
         {"clips": [{**CLIP, "effects": [{"name": "Blink", "args": {"n": [2.5]}}]}]}),
        ({}, {"overlays": [{"image": IMAGE}]}),
        ({}, {"subtitles": {"uri": "volume://media/a.srt"}}),
        ({"audio": {"tracks": [{"uri": "volume://media/a.mp3"}]}},
         {"audio": {"tracks": [{"uri": "volume://media/b.mp3"}]}}),
        ({"outputs": [MP4]}, {"outputs": [{**MP4, "crf": 20}]}),
        ({"parameters": {"size": 1}}, {"parameters": {"size": 1.5}}),
    ],
)  # fmt: skip
def test_what_is_rendered_cannot_change(
    apiserver: ApiServer, namespace: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    apiserver.apply(videojob(**before), namespace)
    apiserver.apply(videojob(**before), namespace)
    field = next(iter(after or before))
    assert (
        f"spec.{field}: Forbidden: what is rendered cannot change once the job exists; make another VideoJob"
        in apiserver.refusal(videojob(**after), namespace)
    )


def test_how_it_is_scheduled_can_change(apiserver: ApiServer, namespace: str) -> None:
    apiserver.apply(videojob(suspend=True, queue="low", user="ana"), namespace)
    changed = {
        "suspend": False,
        "queue": "high",
        "user": "bob",
        "deadline": "1m",
        "retry": {"limit": 0},
    }
    apiserver.apply(videojob(**changed), namespace)
    spec = apiserver.get("vj", "job", namespace)["spec"]
    assert spec.items() >= {"queue": "high", "user": "bob", "deadline": "1m"}.items()


@pytest.mark.parametrize(("field", "value"), [("queue", "high"), ("user", "bob"), ("priority", 5)])
def test_what_has_ended_is_not_moved(apiserver: ApiServer, namespace: str, field: str, value: Any) -> None:
    before, after = videojob(user="ann"), videojob(**({"user": "ann"} | {field: value}))
    apiserver.apply(before, namespace)
    write_status(apiserver, namespace, "vj", "job", {"phase": "Running"})
    apiserver.apply(after, namespace)  # for an attempt that may follow
    apiserver.apply(before, namespace)
    write_status(apiserver, namespace, "vj", "job", {"phase": "Succeeded"})
    assert (
        f"spec.{field}: Forbidden: it has ended, and waits for nothing any more; raise rerun as well, or make another"
        in apiserver.refusal(after, namespace)
    )
    rerun = videojob(**({"user": "ann", "rerun": 1} | {field: value}))
    apiserver.apply(rerun, namespace)
    apiserver.kubectl("delete", "vj", "job", "-n", namespace)
    apiserver.apply(before, namespace)
    write_status(apiserver, namespace, "vj", "job", {"phase": "Succeeded"})
    apiserver.apply(videojob(user="ann", ttlAfterFinished="1h"), namespace)


def test_a_job_that_runs_stays_in_its_pool_and_one_that_waits_may_leave(apiserver: ApiServer, namespace: str) -> None:
    apiserver.apply(videojob(), namespace)
    for pool, phase in (("other", "Pending"), ("another", "Queued")):
        apiserver.apply(videojob(pool=pool), namespace)
        write_status(apiserver, namespace, "vj", "job", {"phase": phase})
    apiserver.apply(videojob(pool="third"), namespace)
    write_status(apiserver, namespace, "vj", "job", {"phase": "Running"})
    assert "spec.pool: Forbidden: it runs, and stays in its pool; suspend it first" in apiserver.refusal(
        videojob(pool="other"), namespace
    )
    write_status(apiserver, namespace, "vj", "job", {"phase": "Succeeded"})
    assert "spec.pool: Forbidden: it has ended" in apiserver.refusal(videojob(pool="other"), namespace)
    apiserver.apply(videojob(pool="other", rerun=1), namespace)


def test_cancel_goes_one_way(apiserver: ApiServer, namespace: str) -> None:
    apiserver.apply(videojob(), namespace)
    apiserver.apply(videojob(cancel=True), namespace)
    for back in (videojob(cancel=False), videojob()):
        assert "spec.cancel: Forbidden: it cannot be taken back, unless rerun is raised with it" in apiserver.refusal(
            back, namespace
        )
