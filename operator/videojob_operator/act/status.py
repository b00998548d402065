"""What to write of a status: what differs, as one merge patch (RFC 7386). Pure."""

from typing import Any

Status = dict[str, Any]

# Fields that only tell how far a job is, or why it waits. They change all the time, so writes of nothing else are
# spaced out. What more a job came to always has its phase or its attempts.
PROGRESS_FIELDS = frozenset({"progress", "stage", "reason", "message", "eta", "queuePosition", "conditions"})


def difference(old: Status, new: Status) -> Status:
    """Return the fields of `new` that differ from `old`, and None, which removes, for those it lacks.

    Of objects within too: the API server merges them, and what they have no more would stay.
    """
    changed = {key: _change(old.get(key), value) for key, value in new.items() if old.get(key) != value}
    return changed | dict.fromkeys(old.keys() - new.keys())


def _change(old: Any, new: Any) -> Any:
    return difference(old, new) if isinstance(old, dict) and isinstance(new, dict) else new


def tells_progress_alone(patch: Status) -> bool:
    """Whether a patch can wait, because it says only how far a job is, or why it waits."""
    return patch.keys() <= PROGRESS_FIELDS
