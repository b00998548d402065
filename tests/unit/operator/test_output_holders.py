"""Two VideoJobs of a namespace that write to one place: the second is told, unless it may overwrite."""

import pytest

from tests.unit.operator.test_cache import videojob
from videojob_contract.resources import RenderPoolSpec
from videojob_contract.resources.outputs import Output
from videojob_operator.cache import Cache
from videojob_operator.records import VideoJobKey

POOL = RenderPoolSpec.model_validate(
    {
        "volumes": [{"name": "media", "source": {"persistentVolumeClaim": {"claimName": "media"}}}],
        "storage": {
            "outputPrefix": "volume://media/out",
            "objects": [
                {"name": name, "provider": name, "bucket": "media", **({"account": "films"} if name == "az" else {})}
                for name in ("s3", "gs", "az")
            ],
        },
    }
)
FIRST, SECOND = VideoJobKey("ns", "first"), VideoJobKey("ns", "second")


def output(uri: str = "volume://media/a.mp4", *, overwrite: bool = False, kind: str = "mp4") -> Output:
    return Output.model_validate({"name": "main", "format": kind, "uri": uri, "overwrite": overwrite})


@pytest.fixture
def cache() -> Cache:
    cache = Cache()
    cache.videojobs.put(videojob("first", phase="Queued"))
    cache.output_holders.hold(FIRST, POOL, [output()])
    return cache


@pytest.mark.parametrize("uri", ["volume://media/a.mp4", "volume://media/%61.mp4"])
def test_the_second_is_told_of_the_first(cache: Cache, uri: str) -> None:
    assert cache.output_holders.others(SECOND, POOL, [output(uri)]) == {"volume://media/a.mp4": "first"}


def test_an_object_is_held_as_a_file_is(cache: Cache) -> None:
    cache.output_holders.hold(FIRST, POOL, [output("s3://media/my%20films/a.mp4")])
    held = {"s3://media/my films/a.mp4": "first"}
    assert cache.output_holders.others(SECOND, POOL, [output("s3://media/my%20films/%61.mp4")]) == held
    for other in ("s3://media/my%20films/A.mp4", "gs://media/my%20films/a.mp4", "s3://media/my%2520films/a.mp4"):
        assert cache.output_holders.others(SECOND, POOL, [output(other)]) == {}


def test_places_apart_and_other_namespaces_are_free(cache: Cache) -> None:
    assert cache.output_holders.others(SECOND, POOL, [output("volume://media/b.mp4")]) == {}
    assert cache.output_holders.others(VideoJobKey("other", "second"), POOL, [output()]) == {}


def test_who_may_overwrite_is_not_told_but_holds_the_place_too(cache: Cache) -> None:
    second = [output(overwrite=True)]
    assert cache.output_holders.others(SECOND, POOL, second) == {}
    cache.output_holders.hold(SECOND, POOL, second)
    third = VideoJobKey("ns", "third")
    assert cache.output_holders.others(third, POOL, [output()]) == {"volume://media/a.mp4": "first"}
    # The first was there before: what came beside it does not end it when it is enqueued again.
    assert cache.output_holders.others(FIRST, POOL, [output()]) == {}


def test_the_text_beside_a_sprite_is_held_as_well(cache: Cache) -> None:
    cache.output_holders.hold(FIRST, POOL, [output("volume://media/a.jpg", kind="sprite")])
    assert cache.output_holders.others(SECOND, POOL, [output("volume://media/a.vtt")]) != {}


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Cancelled", None])
def test_one_that_is_finished_or_gone_holds_nothing(cache: Cache, phase: str | None) -> None:
    assert cache.output_holders.others(SECOND, POOL, [output()]) != {}
    if phase:
        cache.videojobs.put(videojob("first", phase=phase, version=2))
    else:
        cache.videojobs.remove(FIRST)
    assert cache.output_holders.others(SECOND, POOL, [output()]) == {}
    assert cache.output_holders._holders == {}


def test_one_that_runs_goes_on_holding(cache: Cache) -> None:
    cache.videojobs.put(videojob("first", phase="Running", version=2))
    assert cache.output_holders.others(SECOND, POOL, [output()]) != {}


def test_another_pool_that_has_the_place_by_another_name_is_told(cache: Cache) -> None:
    other = RenderPoolSpec.model_validate(
        {"volumes": [{"name": "films", "source": {"persistentVolumeClaim": {"claimName": "media"}}}]}
    )
    uri = "volume://films/a.mp4"
    assert cache.output_holders.others(SECOND, other, [output(uri)]) == {uri: "first"}
