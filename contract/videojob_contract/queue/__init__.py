"""The queue between operator and workers, on Redis: see docs/queue.md for the protocol.

`OperatorQueue` and `WorkerQueue` are its two sides; `fake` has the same in memory. `connect` gives them a
client.
"""

from videojob_contract.queue.api import OperatorApi, WorkerApi
from videojob_contract.queue.connection import connect
from videojob_contract.queue.errors import QueueUnavailableError, UnknownQueueError
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import PoolKey
from videojob_contract.queue.worker import WorkerQueue

__all__ = [
    "OperatorApi",
    "OperatorQueue",
    "PoolKey",
    "QueueUnavailableError",
    "UnknownQueueError",
    "WorkerApi",
    "WorkerQueue",
    "connect",
]
