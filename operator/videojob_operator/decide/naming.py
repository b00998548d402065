"""Names of what a pool owns, so that one created again after a crash is refused by its name.

Worker Jobs are `{pool}-{serial}`, or named for the attempt that they carry; its Secret is `{pool}-redis-{fingerprint}`.
"""

import hashlib
import re

_LONGEST_POOL = 48
"""Leaves room for the serial, and for the suffix that the Job controller gives its pods, within 63
characters."""
_DIGITS = 12
_CARRYING = re.compile(rf"a[0-9a-f]{{{_DIGITS}}}")


def worker_job_name(pool: str, serial: int) -> str:
    """Return the name of the pool's worker Job of that serial."""
    return f"{_shortened(pool)}-{serial}"


def carrying_job_name(pool: str, uid: str, number: int) -> str:
    """Return the name of the Job that carries the attempt of that number of a VideoJob: there is one for each."""
    digest = hashlib.sha256(f"{uid}/{number}".encode()).hexdigest()[:_DIGITS]
    return f"{_shortened(pool, _LONGEST_POOL - _DIGITS)}-a{digest}"


def carries_attempt(job: str) -> bool:
    """Whether a worker Job of that name carries an attempt."""
    return _CARRYING.fullmatch(job.rpartition("-")[2]) is not None


def secret_name(pool: str, fingerprint: str) -> str:
    """Return the name of the pool's Secret with the password of that fingerprint."""
    return f"{_shortened(pool)}-redis-{fingerprint}"


def _shortened(pool: str, longest: int = _LONGEST_POOL) -> str:
    if len(pool) > longest:
        digest = hashlib.sha256(pool.encode()).hexdigest()[:8]
        return f"{pool[: longest - 9]}-{digest}"
    return pool


def serial_of(job: str) -> int:
    """Return the serial in a worker Job's name; 0 when it has none."""
    _, _, serial = job.rpartition("-")
    return int(serial) if serial.isascii() and serial.isdigit() else 0
