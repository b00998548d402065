"""Looks by an idle worker process, in its sandbox, over a real Redis."""

from __future__ import annotations

import asyncio
import io
import uuid
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.assignments import assignment
from tests.integration.worker.test_worker import finished, idle, until
from videojob_contract.inspection import Findings, Frames, Inspection, Look, PictureFormat
from videojob_contract.queue.connection import connect
from videojob_contract.queue.inspections import InspectionDesk
from videojob_contract.validation import parse_videojob

if TYPE_CHECKING:
    from tests.integration.worker.conftest import Workers
    from videojob_contract.queue.operator import OperatorQueue
    from videojob_contract.queue.types import PoolKey

RED, BLUE = "#c00000", "#0000c0"
CLIPS = [{"color": RED, "duration": "2s"}, {"color": BLUE, "duration": "2s"}]
OUTPUTS = [{"name": "main", "format": "mp4", "uri": "volume://media/main.mp4"}]
CANVAS = {"width": 640, "height": 360, "fps": "25", "background": "#000000"}


def look(what: Look, clips: list[dict[str, Any]], **frames: Any) -> Inspection:
    identity = uuid.uuid4().hex
    spec = {"clips": clips, "outputs": OUTPUTS, "canvas": CANVAS}
    parsed = parse_videojob({"metadata": {"name": "look"}, "spec": spec}).spec
    wanted = {"spec": parsed, "deadline": Fraction(10), "soft_deadline": Fraction(9)}
    return Inspection(
        id=identity,
        look=what,
        assignment=assignment(identity).model_copy(update=wanted),
        frames=Frames(**frames) if what is Look.PREVIEW else None,
    )


async def ask(redis_url: str, pool: PoolKey, asked: Inspection) -> tuple[Findings, bytes]:
    redis = connect(redis_url)
    try:
        return await InspectionDesk(pool, redis).ask(asked, taken_s=20, done_s=20)
    finally:
        await redis.aclose()


def color_at(picture: bytes, x: int, y: int) -> str:
    pixel: Any = Image.open(io.BytesIO(picture)).convert("RGB").getpixel((x, y))
    return "red" if pixel[0] > 120 > pixel[2] else "blue" if pixel[2] > 120 > pixel[0] else str(pixel)


async def test_an_idle_worker_previews_plans_and_probes(
    workers: Workers, redis_url: str, pool: PoolKey, operator: OperatorQueue
) -> None:
    worker = workers.start()
    Image.new("RGB", (320, 200), RED).save(worker.media / "red.png")
    (worker.media / "words.txt").write_text("no media")
    await until(lambda: idle(operator))
    for format_, at, color in ((PictureFormat.JPEG, 1, "red"), (PictureFormat.WEBP, 3, "blue")):
        asked = look(Look.PREVIEW, CLIPS, at=Fraction(at), width=320, format=format_)
        findings, picture = await ask(redis_url, pool, asked)
        assert findings.refusal is None, findings
        assert findings.picture is not None
        assert (findings.picture.width, findings.picture.height, findings.picture.frames) == (320, 180, [25 * at])
        assert Image.open(io.BytesIO(picture)).format == format_.value.upper()
        assert color_at(picture, 160, 90) == color
    findings, picture = await ask(redis_url, pool, look(Look.PREVIEW, CLIPS, count=4, width=400, format="png"))
    assert findings.picture is not None
    assert (findings.picture.width, findings.picture.height, len(findings.picture.frames)) == (400, 224, 4)
    assert [color_at(picture, x, y) for x, y in ((100, 56), (300, 56), (100, 168), (300, 168))] == [
        *(["red"] * 2),
        *(["blue"] * 2),
    ]
    planned, _ = await ask(redis_url, pool, look(Look.PLAN, CLIPS))
    assert planned.plan is not None
    assert (planned.plan.frames, planned.spans, planned.plan.spans[0].kind) == (100, 2, "still")
    assert planned.plan.work_s["overhead"] > 1
    for name, uses in (("red.png", ["image"]), ("words.txt", [])):
        clip = {"image": {"uri": f"volume://media/{name}"}, "duration": "1s"}
        probed, _ = await ask(redis_url, pool, look(Look.PROBE, [clip]))
        assert probed.probe is not None, probed
        assert probed.probe.usable_as == uses
        assert bool(probed.probe.problems) is not bool(uses)
    missing, _ = await ask(
        redis_url, pool, look(Look.PLAN, [{"image": {"uri": "volume://media/a.png"}, "duration": "1s"}])
    )
    assert missing.refusal is not None
    assert missing.refusal.reason == "SourceNotFound"
    assert missing.refusal.message.startswith("spec.clips[0].image.uri: ")
    assert worker.published() == ["red.png", "words.txt"]
    assert list(worker.scratch.iterdir()) == []
    # And then it renders, as any other.
    await operator.enqueue("default", assignment("uid-1", seconds=1))
    await until(lambda: finished(operator))
    assert worker.wait() == 0


async def test_a_worker_that_is_given_a_videojob_stops_looking(
    workers: Workers, redis_url: str, pool: PoolKey, operator: OperatorQueue
) -> None:
    worker = workers.start()
    await until(lambda: idle(operator))
    fade = {"transition": {"type": "crossfade", "duration": "90s"}}
    clips = [{"color": color, "duration": "200s", **fade} for color in (RED, BLUE) * 20]
    slow = look(Look.PREVIEW, [{"color": RED, "duration": "200s"}, *clips], count=48, width=1920)
    await ask(redis_url, pool, look(Look.PLAN, CLIPS))  # so that it attends
    asking = asyncio.create_task(ask(redis_url, pool, slow))
    await until(lambda: asyncio.to_thread(lambda: list(worker.scratch.iterdir())))
    await operator.enqueue("default", assignment("uid-1", seconds=1))
    assert await asking == (Findings(again=True), b"")
    await until(lambda: finished(operator))
    assert worker.wait() == 0
