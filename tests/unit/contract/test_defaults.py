"""Every default is filled in once: the job's own value, else the pool's, else the built-in one."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contract.examples import CLIP, POOL, videojob
from videojob_contract.defaults import resolve, terms_of
from videojob_contract.resources import RenderPoolSpec, VideoJobSpec
from videojob_contract.validation import SpecError, parse_videojob


def resolved(*clips: dict[str, Any], pool: RenderPoolSpec = POOL, **spec: Any) -> VideoJobSpec:
    return resolve(parse_videojob(videojob(*clips, **spec)).spec, pool, namespace="films", name="job")


def pool_with(**spec: Any) -> RenderPoolSpec:
    return RenderPoolSpec.model_validate(POOL.to_dict() | spec)


def test_the_built_in_defaults() -> None:
    spec = resolved(CLIP, {**CLIP, "transition": {"type": "fade"}}).to_dict()
    assert spec["canvas"] == {"width": 1920, "height": 1080, "fps": "30", "background": "#000000"}
    assert (spec["deadline"], spec["softDeadline"]) == ("30m", "25m")
    assert spec["retry"] == {
        "limit": 3,
        "backoff": {"initial": "10s", "factor": 2.0, "max": "10m", "jitter": 0.2},
    }
    assert "ttlAfterFinished" not in spec
    assert spec["clips"][1]["transition"] == {
        "type": "fade",
        "duration": "500ms",
        "color": "#000000",
        "easing": "linear",
    }
    common = {"quality": "standard", "faststart": True, "twoPass": False, "copy": "auto", "overwrite": False}
    assert spec["outputs"] == [
        {"name": "main", "format": "mp4", "uri": "volume://media/out/films/job/main.mp4", "codec": "h264", **common},
        {"name": "poster", "format": "jpg", "uri": "volume://media/out/films/job/poster.jpg", **common},
    ]


def test_the_pool_is_asked_before_the_built_in_defaults() -> None:
    pool = pool_with(
        defaults={
            "deadline": "1m",
            "retry": {"limit": 7},
            "ttlAfterFinished": "1h",
            "canvas": {"width": 640, "fps": "25"},
            "quality": "draft",
        }
    )
    spec = resolved(pool=pool, canvas={"width": 320})
    assert [spec.deadline, spec.soft_deadline, spec.ttl_after_finished] == [60, 50, 3600]
    assert spec.retry is not None
    assert spec.retry.limit == 7
    assert spec.canvas is not None
    assert spec.canvas.to_dict() == {"width": 320, "height": 1080, "fps": "25", "background": "#000000"}
    assert {output.quality for output in spec.outputs or []} == {"draft"}


def test_what_the_job_says_stands() -> None:
    pool = pool_with(defaults={"deadline": "1m", "ttlAfterFinished": "1h", "quality": "draft"})
    spec = resolved(
        pool=pool,
        deadline="2m",
        softDeadline="10s",
        ttlAfterFinished="0s",
        retry={"limit": 0},
        outputs=[{"name": "a", "format": "mp4", "quality": "high", "uri": "volume://media/b.mp4"}],
    )
    assert [spec.deadline, spec.soft_deadline, spec.ttl_after_finished] == [120, 10, 0]
    assert spec.retry is not None
    assert spec.retry.limit == 0
    [output] = spec.outputs or []
    assert (output.quality, output.uri) == ("high", "volume://media/b.mp4")


@pytest.mark.parametrize(("format_", "extension"), [("mp4", "mp4"), ("png", "png"), ("hls", "m3u8"), ("sprite", "jpg")])
def test_an_outputs_file_has_the_extension_of_its_format(format_: str, extension: str) -> None:
    [output] = resolved(outputs=[{"name": "x", "format": format_}]).outputs or []
    assert output.uri == f"volume://media/out/films/job/x.{extension}"


def test_a_cut_takes_no_time() -> None:
    transition = resolved(CLIP, {**CLIP, "transition": {"type": "cut"}}).clips[1].transition
    assert transition is not None
    assert [transition.duration, transition.color] == [0, None]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"queue": "fast"}, 'spec.queue: pool "default" has no queue "fast"; it has high, default, low'),
        (
            {"clips": [{"image": {"uri": "volume://p/a.jpg"}, "duration": "1s"}]},
            'spec.clips[0].image.uri: volume://p/a.jpg: pool "default" has no volume "p"; it has media, archive',
        ),
        (
            {"outputs": [{"name": "a", "format": "mp4", "uri": "volume://archive/a.mp4"}]},
            'spec.outputs[0].uri: volume://archive/a.mp4: volume "archive" of pool "default" is read-only',
        ),
        (
            {"outputs": [{"name": "b", "format": "mp4", "uri": "volume://media/out/films/job/a.mp4"},
                         {"name": "a", "format": "mp4"}]},
            "spec.outputs[1].uri: spec.outputs[0].uri goes to volume://media/out/films/job/a.mp4 too",
        ),
        (
            {"outputs": [{"name": "x", "format": "jpg"},
                         {"name": "a", "format": "mp4"},
                         {"name": "b", "format": "mp4", "uri": "volume://media/out/films/j%6fb/a.mp4"}]},
            "spec.outputs[2].uri: spec.outputs[1].uri goes to volume://media/out/films/j%6fb/a.mp4 too",
        ),
        (
            {"clips": [{"color": "#000000", "duration": "15ms"}]},
            "spec.clips: are shorter than one frame at 30 frames a second",
        ),
        ({"softDeadline": "31m"}, "spec.softDeadline: must not be after the deadline, which is 30m"),
    ],
)  # fmt: skip
def test_what_only_the_pool_shows(spec: dict[str, Any], expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        resolved(*spec.pop("clips", []), **spec)
    assert str(caught.value) == expected


def test_without_a_prefix_every_output_needs_its_uri() -> None:
    with pytest.raises(SpecError) as caught:
        resolved(pool=RenderPoolSpec())
    assert [problem.path for problem in caught.value.problems] == ["spec.outputs[0].uri", "spec.outputs[1].uri"]
    assert "has no storage.outputPrefix" in str(caught.value)


def test_a_read_only_volume_can_be_read() -> None:
    assert resolved({"image": {"uri": "volume://archive/a.jpg"}, "duration": "1s"}).clips[0].image is not None


maybe = st.none() | st.integers(1, 5000).map(lambda ms: f"{ms}ms")


@given(
    deadline=maybe,
    ttl=maybe,
    pool_deadline=maybe,
    types=st.lists(st.sampled_from(["cut", "crossfade", "fade"]), max_size=5),
    fps=st.sampled_from([None, "25", "30000/1001"]),
    formats=st.lists(st.sampled_from(["mp4", "jpg", "png", "gif"]), max_size=4),
)
def test_resolving_what_is_resolved_changes_nothing(
    *,
    deadline: str | None,
    ttl: str | None,
    pool_deadline: str | None,
    types: list[str],
    fps: str | None,
    formats: list[str],
) -> None:
    pool = pool_with(defaults={"deadline": pool_deadline, "canvas": {"fps": fps}})
    outputs = [{"name": f"o{index}", "format": each} for index, each in enumerate(formats)]
    spec = resolved(
        CLIP,
        *({**CLIP, "transition": {"type": each}} for each in types),
        pool=pool,
        deadline=deadline,
        ttlAfterFinished=ttl,
        outputs=outputs or None,
    )
    assert resolve(spec, pool, namespace="films", name="job") == spec
    # Nor does the way over the wire, with another pool at the other end.
    back = VideoJobSpec.model_validate_json(spec.model_dump_json())
    assert back == spec
    assert resolve(back, POOL, namespace="else", name="where") == spec
    assert spec.soft_deadline is not None
    assert spec.deadline is not None
    assert Fraction(0) < spec.soft_deadline <= spec.deadline


@pytest.mark.parametrize(
    "changed",
    [
        {"storage": {"outputPrefix": "volume://media/other"}},
        {"storage": {"allowPrivateNetworks": True}},
        {"storage": {"allowHosts": ["example.org"]}},
        {"storage": {"maxSourceBytes": 1}},
        {"storage": {"objects": [{"name": "media", "provider": "s3", "bucket": "media"}]}},
        {"volumes": [{"name": "media", "readOnly": True, "source": {"emptyDir": {}}}]},
        {"defaults": {"deadline": "1m"}},
        {"encoding": {"hardware": "vaapi"}},
    ],
)
def test_terms_are_others_with_anything_that_assignments_have_of_their_pool(changed: dict[str, Any]) -> None:
    assert terms_of(RenderPoolSpec.model_validate(changed)) != terms_of(RenderPoolSpec())


def test_terms_are_the_same_while_only_the_size_of_the_pool_changes() -> None:
    other = {"minIdle": 2, "maxWorkers": 7, "queues": [{"name": "one"}], "worker": {"image": "other"}}
    assert terms_of(RenderPoolSpec.model_validate(other)) == terms_of(RenderPoolSpec())
