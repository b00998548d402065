"""A status is written over what was looked at, or what is there is looked at anew."""

import pytest

from tests.unit.decide.build import SPEC
from videojob_contract.api_paths import VIDEOJOBS
from videojob_contract.resources import API_VERSION
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.cache import Cache
from videojob_operator.errors import ApiError
from videojob_operator.reconcile.status_write import patch_status
from videojob_operator.records import VideoJobKey


async def test_a_conflict_teaches_what_the_watch_has_not_told():
    kubernetes, cache = FakeKubernetes(FakeApiServer(lambda: 0.0)), Cache()
    body = {"apiVersion": API_VERSION, "kind": "VideoJob", "metadata": {"name": "one"}, "spec": SPEC}
    made = await kubernetes.create(VIDEOJOBS, "ns", body)
    assert made
    cache.videojobs.put(made)
    await kubernetes.patch(VIDEOJOBS, "ns", "one", {"spec": {"cancel": True}})
    (key,) = cache.videojobs

    async def write() -> object:
        version = str(cache.videojobs[key].version)
        status = {"metadata": {"resourceVersion": version}, "status": {"message": "seen"}}
        return await patch_status(kubernetes, VIDEOJOBS, cache.videojobs, key, status)

    with pytest.raises(ApiError):
        await write()
    assert cache.videojobs[key].object["spec"]["cancel"] is True
    assert await write()


async def test_what_is_gone_is_no_conflict():
    kubernetes, cache = FakeKubernetes(FakeApiServer(lambda: 0.0)), Cache()
    key = VideoJobKey("ns", "one")
    assert await patch_status(kubernetes, VIDEOJOBS, cache.videojobs, key, {"status": {}}) is None
