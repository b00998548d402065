"""The queue between operator and workers, on Redis: see docs/queue.md for the protocol."""
