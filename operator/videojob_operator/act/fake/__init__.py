"""The API server in memory, for tests of what uses it: the same client on it, held to the same tests as the real one.

`FakeApiServer` stands for the API server. Requests of a client can be refused and go unanswered, and what a watch sees
can come late, in another order or never:

    server = FakeApiServer()
    kubernetes = FakeKubernetes(server)
    kubernetes.refuse(403, "Forbidden", method="POST", resource=JOBS)
    watch = server.watch(VIDEOJOBS)
    watch.lose()

What it does not have: the schemas of resources (nothing is validated, no field gets its default), admission, and any
controller but the garbage collector, which is to be called.
"""

from videojob_operator.act.fake.client import FakeKubernetes
from videojob_operator.act.fake.server import FakeApiServer
from videojob_operator.act.fake.watch import ServerEvent, Watch

__all__ = ["FakeApiServer", "FakeKubernetes", "ServerEvent", "Watch"]
