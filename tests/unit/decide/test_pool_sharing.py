from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.decide.build import pool_spec
from videojob_contract.queue.types import PoolSnapshot, Sharing
from videojob_operator.decide.pool_sharing import sharing_of, startable, weights_of


@pytest.mark.parametrize(
    ("spec", "sharing"),
    [
        ({}, Sharing()),
        ({"order": "fifo"}, Sharing(fifo=True)),
        ({"users": [{"name": "ann", "weight": 3}]}, Sharing(weights={"ann": 3})),
        ({"limits": {"running": {"user": 2, "pool": 9}}}, Sharing(running={"user": 2, "pool": 9})),
        ({"limits": {"running": {"project": 1}}}, Sharing(running={"project": 1})),
    ],
)
def test_the_queue_is_told_what_the_pool_says(spec: dict[str, Any], sharing: Sharing):
    assert sharing_of(pool_spec(**spec)) == sharing


@pytest.mark.parametrize(
    ("limits", "resting", "claimed", "expected"),
    [(None, 0, 3, 8), (None, 5, 3, 3), ({"running": {"pool": 5}}, 0, 3, 2), ({"running": {"pool": 2}}, 0, 3, 0)],
)
def test_no_worker_is_of_use_to_what_waits_for_room_under_a_limit(limits, resting, claimed, expected):
    snapshot = PoolSnapshot(datetime.now(UTC), {"default": 8}, {}, claimed, (), resting)
    assert startable(pool_spec(limits=limits), snapshot) == expected


STOPPED = [{"name": "default", "weight": 5}, {"name": "low", "stopped": True}]


@pytest.mark.parametrize(
    ("spec", "weights", "expected"),
    [
        ({"queues": STOPPED}, {"default": 5, "low": -1}, 8 - 3),
        ({"queues": STOPPED, "drain": True}, {"default": -5, "low": -1}, 0),
    ],
)
def test_what_is_stopped_gives_nothing_out_and_needs_no_worker(spec, weights, expected):
    snapshot = PoolSnapshot(datetime.now(UTC), {"default": 8, "low": 9}, {}, 0, (), resting=3)
    assert weights_of(pool_spec(**spec)) == weights
    assert startable(pool_spec(**spec), snapshot) == expected
