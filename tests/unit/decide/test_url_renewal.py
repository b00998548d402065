from datetime import datetime
from typing import Any

import pytest

from tests.unit.decide.build import NOW, UID, after, decide, pool_spec
from videojob_operator.decide.types import DeleteVideoJob, RenewUrls, UnlastingUrl
from videojob_operator.decide.url_renewal import RETRY_S, goes_along

DONE = {"phase": "Succeeded", "finishedAt": "2026-01-01T12:00:00.000Z"}
DAY_S = 86400
RENEWED = {"presignedFor": "24h", "renewedWith": {"name": "reader"}}


def store(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "provider": "s3", "bucket": name, "secretRef": {"name": name}, **fields}


STORES = [
    store("films", urls=RENEWED),
    store("short", urls={**RENEWED, "presignedFor": "1h"}),
    store("once", urls={"presignedFor": "1h"}),
    store("public", urls={"publicBase": "https://cdn.example.org"}),
    store("plain"),
    store("stock", urls=RENEWED, readOnly=True),
]
POOL = pool_spec(storage={"outputPrefix": "s3://films/out", "objects": STORES})


def url(bucket: str, expires_at: datetime | None) -> UnlastingUrl:
    return UnlastingUrl(f"s3://{bucket}/a.mp4", expires_at)


def looked_at(*urls: UnlastingUrl, at: datetime = NOW, spec: dict[str, Any] | None = None) -> tuple[bool, float | None]:
    decision = decide(spec or {}, DONE, pool=POOL, now=at, unlasting_urls=urls)
    assert decision.status is None  # another writes it
    return RenewUrls() in decision.after, decision.requeue_after_s


def test_a_url_is_renewed_when_a_quarter_of_its_time_is_left():
    signed = url("films", after(DAY_S))
    assert looked_at(signed) == (False, DAY_S * 3 / 4)
    assert looked_at(signed, at=after(DAY_S * 3 / 4 - 1)) == (False, 1)
    assert looked_at(signed, at=after(DAY_S * 3 / 4)) == (True, RETRY_S)
    assert looked_at(signed, at=after(10 * DAY_S)) == (True, RETRY_S)


def test_the_first_that_is_due_counts():
    assert looked_at(url("films", after(DAY_S)), url("short", after(3600))) == (False, 2700)


def test_one_that_was_never_signed_is_due_at_once():
    assert looked_at(url("films", None)) == (True, RETRY_S)


@pytest.mark.parametrize("bucket", ["once", "public", "plain", "stock", "elsewhere"])
def test_what_the_operator_does_not_sign_is_left(bucket):
    assert looked_at(url(bucket, None), url(bucket, after(-1))) == (False, None)


def test_without_a_pool_nothing_is_renewed():
    assert decide({}, DONE, pool=None, unlasting_urls=(url("films", None),)).after == ()


def test_what_is_deleted_is_not_renewed():
    decision = decide({"ttlAfterFinished": "0s"}, DONE, pool=POOL, unlasting_urls=(url("films", None),))
    assert decision.after == (DeleteVideoJob(UID, "holiday"),)
    assert looked_at(url("films", after(DAY_S)), spec={"ttlAfterFinished": "1h"}) == (False, 3600)


def test_another_goes_along_that_has_half_of_its_time_left():
    assert goes_along(url("films", None), DAY_S, NOW)
    assert goes_along(url("films", after(DAY_S / 2 - 1)), DAY_S, NOW)
    assert not goes_along(url("films", after(DAY_S / 2)), DAY_S, NOW)
