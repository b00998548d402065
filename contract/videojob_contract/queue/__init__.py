"""The queue between operator and workers, on Redis: see docs/queue.md for the protocol.

`operator.OperatorQueue` and `worker.WorkerQueue` are its two sides, `connection.connect` gives them a client,
and `fake` has both in memory. Nothing is imported here, so that a worker imports only its own side.
"""
