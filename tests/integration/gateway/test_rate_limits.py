"""Rates of users over HTTP, counted by two replicas in a real Redis under the gateway's rules, and without it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import SPEC, Answer, Caller, create_pool, serving
from tests.integration.gateway.test_access import by_name
from tests.redis_sentinels import redis_sentinels
from tests.redis_server import redis_server
from videojob_client import Client
from videojob_contract.queue.acl import gateway_rules
from videojob_contract.queue.connection import connect
from videojob_contract.queue.keys import rates_of
from videojob_gateway.app import create_app
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway
from videojob_gateway.rate_limits import RateLimits
from videojob_gateway.tier_rates import Rates, TierRates

ANA, BEN = {"Authorization": "ana submitter"}, {"Authorization": "ben submitter"}
TIERS = {"*": TierRates(submissions=Rates(per_hour=4, per_day=1000), requests=Rates(per_day=500))}


@asynccontextmanager
async def gateway(apiserver: ApiServer, cluster: Cluster, redis: Redis | None) -> AsyncIterator[Caller]:
    rates = RateLimits(TIERS, redis, rates_of(cluster.namespace, "here"))
    async with (
        Client(kubeconfig=apiserver.kubeconfig, namespace=cluster.namespace) as client,
        serving(create_app(Gateway(Settings(), client, rates=rates), by_name)) as call,
    ):
        yield call


async def gateways_user(url: str) -> Redis:
    admin = connect(url)
    await admin.execute_command(*f"ACL SETUSER gateway reset on >secret {gateway_rules()}".split())  # type: ignore[no-untyped-call]
    await admin.aclose()
    return connect(url, username="gateway", password="secret")  # noqa: S106 - a test's


async def submit(call: Caller, headers: dict[str, str] = ANA, **body: Any) -> Answer:
    return await call("POST", "jobs", json={"spec": SPEC} | body, headers=headers)


def items(answer: Answer, header: str) -> dict[str, str]:
    said = ", ".join(answer.headers.getall(header))
    return dict(each.split(";", 1) for each in said.split(", "))


async def test_replicas_count_together_and_say_how_much_is_left(apiserver: ApiServer, cluster: Cluster) -> None:
    await create_pool(cluster)
    with redis_server() as url:
        redis = await gateways_user(url)
        async with gateway(apiserver, cluster, redis) as call, gateway(apiserver, cluster, redis) as other:
            first = await submit(call)
            assert first.status == 202
            assert items(first, "RateLimit-Policy") == {
                '"requests-day"': "q=500;w=86400",
                '"submissions-hour"': "q=4;w=3600",
                '"submissions-day"': "q=1000;w=86400",
            }
            left = items(first, "RateLimit")
            assert left['"submissions-hour"'].startswith("r=3;t=")
            assert left['"requests-day"'].startswith("r=499;t=")
            batch = {"jobs": [{"spec": SPEC}] * 2}
            assert (await other("POST", "jobs/batch", json=batch, headers=ANA)).status == 202
            refused = await call("POST", "jobs/batch", json=batch, headers=ANA)
            assert refused.status == 429
            assert refused.json["reason"] == "RateLimited"
            assert refused.json["detail"].startswith("you may have 4 VideoJobs rendered in an hour; ask again in ")
            limit = refused.json["limit"]
            assert limit == {
                "policy": "submissions-hour",
                "quota": 4,
                "windowSeconds": 3600,
                "retryAfterSeconds": int(refused.headers["Retry-After"]),
            }
            assert 0 < limit["retryAfterSeconds"] <= 3601
            assert items(refused, "RateLimit")['"submissions-hour"'].startswith("r=1;t=")
            assert (await other("GET", "jobs", headers=ANA)).status == 200
            assert len((await call("GET", "jobs", headers=ANA)).json["items"]) == 3  # of that batch nothing was made
            too_many = await call("POST", "jobs/batch", json={"jobs": [{"spec": SPEC}] * 5}, headers=ANA)
            assert too_many.status == 422
            assert (await submit(other)).status == 202
            assert (await submit(call)).status == 429
            assert (await submit(call, BEN)).status == 202
            assert (await submit(call, {"Authorization": "nobody"})).status == 401
        with pytest.raises(NoPermissionError):
            await redis.set("vj:{team/default}:epoch", "x")
        await redis.aclose()


async def test_counts_follow_the_sentinels_to_a_replica_that_takes_over(apiserver: ApiServer, cluster: Cluster) -> None:
    await create_pool(cluster)
    with redis_sentinels() as sentinels:
        for port in sentinels.servers:
            await (await gateways_user(f"redis://127.0.0.1:{port}")).aclose()
        redis = connect(sentinels.url, username="gateway", password="secret")  # noqa: S106 - a test's
        async with gateway(apiserver, cluster, redis) as call, gateway(apiserver, cluster, redis) as other:
            assert (await submit(call)).status == 202
            with sentinels.server(sentinels.master) as master:
                assert master.wait(1, 60_000) == 1
            await asyncio.to_thread(sentinels.fail_over)
            left = items(await submit(other), "RateLimit")
            assert left['"submissions-hour"'].startswith("r=2;t=")
        await redis.aclose()


@pytest.mark.parametrize("goes", [True, False])
async def test_without_redis_each_replica_counts_by_itself(
    apiserver: ApiServer, cluster: Cluster, *, goes: bool
) -> None:
    await create_pool(cluster)
    with redis_server() as url:
        redis = await gateways_user(url) if goes else None
        async with gateway(apiserver, cluster, redis) as call:
            if redis is not None:
                admin = connect(url)
                assert (await submit(call)).status == 202
                await asyncio.wait({asyncio.ensure_future(admin.shutdown(nosave=True))}, timeout=10)
                await admin.connection_pool.disconnect()
            statuses = [(await submit(call)).status for _ in range(10)]
            assert statuses[:4] == [202] * 4
            assert 429 in statuses
        if redis is not None:
            await redis.connection_pool.disconnect()
