"""The queue in memory, for tests of what uses it: the same protocol, held to the same tests as the real one.

`FakeServer` stands for Redis, and can be emptied and made to fail:

    server = FakeServer()
    operator = FakeOperatorQueue(PoolKey("team", "default"), server)
    worker = FakeWorkerQueue(PoolKey("team", "default"), server, "pod-1", "job-1")
"""

from videojob_contract.queue.fake.operator import FakeOperatorQueue
from videojob_contract.queue.fake.state import FakeServer
from videojob_contract.queue.fake.worker import FakeWorkerQueue

__all__ = ["FakeOperatorQueue", "FakeServer", "FakeWorkerQueue"]
