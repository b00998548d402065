"""What to write of a status: the top-level fields that differ, as one merge patch. Pure."""

from typing import Any

Status = dict[str, Any]

# Fields that only tell how far a job is. They change all the time, so writes of nothing else are spaced out.
PROGRESS_FIELDS = frozenset({"progress", "stage", "reason", "message", "eta", "queuePosition"})


def difference(old: Status, new: Status) -> Status:
    """Return the fields of `new` that differ from `old`, and None, which removes, for those it lacks."""
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    return changed | dict.fromkeys(old.keys() - new.keys())


def tells_progress_alone(patch: Status) -> bool:
    """Whether a patch can wait, because it says only how far a job is."""
    return patch.keys() <= PROGRESS_FIELDS
