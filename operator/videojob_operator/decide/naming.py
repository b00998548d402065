"""Names of worker Jobs: `{pool}-{serial}`, so that one created again after a crash is refused by its name."""

import hashlib

_LONGEST_POOL = 48
"""Leaves room for the serial, and for the suffix that the Job controller gives its pods, within 63
characters."""


def worker_job_name(pool: str, serial: int) -> str:
    """Return the name of the pool's worker Job of that serial."""
    if len(pool) > _LONGEST_POOL:
        digest = hashlib.sha256(pool.encode()).hexdigest()[:8]
        pool = f"{pool[: _LONGEST_POOL - 9]}-{digest}"
    return f"{pool}-{serial}"


def serial_of(job: str) -> int:
    """Return the serial in a worker Job's name; 0 when it has none."""
    _, _, serial = job.rpartition("-")
    return int(serial) if serial.isascii() and serial.isdigit() else 0
