"""What is not rendered yet is refused with its path, and everything that is rendered passes."""

from typing import Any

import pytest

from tests.unit.contract.examples import CLIP, POOL, videojob
from videojob_contract.defaults import resolve
from videojob_contract.resources import RenderPoolSpec
from videojob_contract.resources.object_stores import ObjectStore, Provider
from videojob_contract.support import unsupported, unsupported_pool
from videojob_contract.validation import parse_videojob

MP4 = {"name": "main", "format": "mp4"}
PHOTOS = ObjectStore(name="photos", provider=Provider.S3, bucket="photos")
TRACK = {"uri": "volume://media/a.mp3"}


def found(*clips: dict[str, Any], **spec: Any) -> list[str]:
    return [str(problem) for problem in unsupported(parse_videojob(videojob(*clips, **spec)).spec)]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"parallelism": 2}, "spec.parallelism: is not supported yet; use 1"),
        ({"parallelism": "auto"}, "spec.parallelism: is not supported yet; use 1"),
        ({"outputs": [{**MP4, "uri": "https://example.org/a.mp4"}]},
         "spec.outputs[0].uri: writing to https:// is not supported yet; use volume://, s3://, gs:// or az://"),
    ],
)  # fmt: skip
def test_the_rest(spec: dict[str, Any], expected: str) -> None:
    assert found(**spec) == [expected]


def test_what_is_rendered_passes_resolved_or_not() -> None:
    resource = videojob(
        {**CLIP, "fit": "contain", "anchor": "topLeft", "effects": [{"name": "InvertColors"}]},
        {"image": {"uri": "https://example.org/a.jpg"}, "duration": "2s", "transition": {"type": "crossfade"}},
        {"image": {"uri": "volume://media/b.jpg"}, "duration": "2s", "transition": {"type": "fade"}},
        {"image": {"uri": "s3://photos/b.jpg"}, "duration": "2s"},
        {"image": {"uri": "volume://media/b.jpg"}, "duration": "2s", "fit": "blur", "motion": {"zoom": {}}},
        {
            "gradient": {"colors": ["#000000", "#ffffff"]},
            "duration": "2s",
            "transition": {"type": "hblur", "easing": "easeIn"},
        },
        {"title": {"text": "Hi"}, "duration": "2s"},
        overlays=[{"image": {"uri": "volume://media/a.png"}, "fadeIn": "1s"}],
        canvas={"width": 640},
        audio={"tracks": [{**TRACK, "from": "1s", "to": "2s", "offset": "1s", "loop": True, "fadeIn": "1s"}]},
        outputs=[
            {**MP4, "width": 640, "crf": 20, "preset": "slow", "keyframeInterval": "2s", "metadata": {"title": "x"}},
            {"name": "poster", "format": "png", "at": "1s"},
            {"name": "small", "format": "webm", "codec": "av1", "height": 360, "fps": "15", "bitrate": "400k"},
            {**MP4, "name": "twice", "codec": "h265", "bitrate": "2M", "maxBitrate": "4M", "twoPass": True},
            {"name": "stream", "format": "hls", "renditions": [{"height": 360}, {"height": 720, "bitrate": "2M"}]},
            {"name": "thumbnails", "format": "sprite", "interval": "1s", "columns": 5},
            *({"name": each, "format": each} for each in ("gif", "webp", "mp3", "m4a")),
        ],
    )
    spec = parse_videojob(resource).spec
    assert unsupported(spec) == []
    pool = POOL.model_copy(update={"storage": POOL.storage.model_copy(update={"objects": [PHOTOS]})})
    assert unsupported(resolve(spec, pool, namespace="n", name="job")) == []


def test_pools() -> None:
    spec = {"storage": {"outputPrefix": "https://bucket/out"}}
    assert [str(each) for each in unsupported_pool(RenderPoolSpec.model_validate(spec))] == [
        "spec.storage.outputPrefix: writing to https:// is not supported yet",
    ]
    assert unsupported_pool(POOL) == []
