"""Names of what a pool owns, so that one created again after a crash is refused by its name.

Worker Jobs are `{pool}-{serial}`, its Secret is `{pool}-redis-{fingerprint}`.
"""

import hashlib

_LONGEST_POOL = 48
"""Leaves room for the serial, and for the suffix that the Job controller gives its pods, within 63
characters."""


def worker_job_name(pool: str, serial: int) -> str:
    """Return the name of the pool's worker Job of that serial."""
    return f"{_shortened(pool)}-{serial}"


def secret_name(pool: str, fingerprint: str) -> str:
    """Return the name of the pool's Secret with the password of that fingerprint."""
    return f"{_shortened(pool)}-redis-{fingerprint}"


def _shortened(pool: str) -> str:
    if len(pool) > _LONGEST_POOL:
        digest = hashlib.sha256(pool.encode()).hexdigest()[:8]
        return f"{pool[: _LONGEST_POOL - 9]}-{digest}"
    return pool


def serial_of(job: str) -> int:
    """Return the serial in a worker Job's name; 0 when it has none."""
    _, _, serial = job.rpartition("-")
    return int(serial) if serial.isascii() and serial.isdigit() else 0
