"""A VideoJob of an asset in an object store: brought to the gateway, rendered by a worker with keys of its own."""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from tests.integration.gateway.stores import Store, make_store, s3_store
from tests.integration.gateway.test_assets import ANA, bring
from tests.integration.objects.conftest import direct, s3
from tests.integration.worker.conftest import Workers, operator, pool, redis_url, workers
from tests.integration.worker.test_worker import UID, finished, until
from videojob_contract.assignment import Assignment
from videojob_contract.defaults import resolve
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.validation import parse_renderpool, parse_videojob

__all__ = ["direct", "make_store", "operator", "pool", "redis_url", "s3", "s3_store", "workers"]


async def assignment_of(store: Store, job: dict[str, Any]) -> Assignment:
    """Make the assignment that the operator would."""
    spec = parse_renderpool({"spec": store.pool}).spec
    resolved = resolve(parse_videojob(job).spec, spec, namespace="films", name="holiday")
    assert resolved.deadline and resolved.soft_deadline  # noqa: PT018 - resolve fills them in
    return Assignment(
        uid=UID,
        namespace="films",
        name="holiday",
        attempt=1,
        spec=resolved,
        deadline=resolved.deadline,
        soft_deadline=resolved.soft_deadline,
        objects=spec.storage.objects,
    )


async def test_a_videojob_renders_from_an_asset_in_a_store(
    s3_store: Store, workers: Workers, operator: OperatorQueue, tmp_path: Path
) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (160, 90), "#008000").save(picture, "PNG")
    asset = (await bring(s3_store.one, picture.getvalue())).json
    spec = {
        "clips": [{"image": {"uri": asset["uri"]}, "duration": "1s"}],
        "canvas": {"width": 160, "height": 90, "fps": "25"},
        "outputs": [{"name": "main", "format": "mp4", "quality": "draft"}],
    }
    made = await s3_store.one("POST", "jobs", json={"spec": spec}, headers={"Authorization": ANA})
    assert made.status == 202, made.text
    keys = tmp_path / "objects" / "store"
    keys.mkdir(parents=True)
    for name, value in (s3_store.server.secrets | {"ca.crt": s3_store.server.authority}).items():
        (keys / name).write_text(value)
    workers.start(VIDEOJOB_OBJECTS=str(keys.parent), NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    job = {"metadata": {"name": "holiday"}, "spec": made.json["spec"]}
    await operator.enqueue("default", await assignment_of(s3_store, job))
    entry = await until(lambda: finished(operator), 300)
    assert entry.result is not None
    assert entry.result.result == "succeeded", entry.result
    assert entry.result.outputs[0].bytes > 0
