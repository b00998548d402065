"""Object stores as a kind of storage: see `storage.base`."""

from __future__ import annotations

from videojob_worker.storage.base import StorageBackend
from videojob_worker.storage.objects import download, old_objects, upload

BACKEND = StorageBackend(
    fetch=download.fetch, downloads=True, stage=upload.stage, remove_old=old_objects.remove_old_objects, at_once=16
)
