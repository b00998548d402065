"""Where a pool has what its users bring, and how much each may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from videojob_contract.resources.uris import VOLUME, split_uri
from videojob_gateway.assets import asset_files, partial_files
from videojob_gateway.errors import NoUploadsError, QuotaError, TooLargeError

if TYPE_CHECKING:
    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_gateway.assets.asset_files import AssetFile
    from videojob_gateway.config import Settings

MOST_ASSETS: Final = 10_000
"""Of a user, in a pool."""
MOST_PARTIAL: Final = 100
"""Uploads of a user that have not come whole."""


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """The place of uploads of a pool."""

    pool: str
    root: Path
    """Where it is mounted."""
    prefix: str
    """What the URIs of all that is in it begin with, without a slash at the end."""
    stays: timedelta
    most_bytes: int
    """Of one file."""
    user_bytes: int
    """Of all files of one user."""

    def uri(self, asset: AssetFile) -> str:
        """Return what a spec calls an asset."""
        return f"{self.prefix}/{asset.path}"

    def view(self, asset: AssetFile) -> dict[str, Any]:
        """Return what is shown of an asset."""
        return {
            "id": f"{self.pool}.{asset.sha256}",
            "pool": self.pool,
            "user": asset.user,
            "name": asset.name,
            "uri": self.uri(asset),
            "type": asset.kind.media_type,
            "bytes": asset.size_bytes,
            "sha256": asset.sha256,
            "createdAt": asset.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "expiresAt": (asset.used_at + self.stays).isoformat(timespec="seconds").replace("+00:00", "Z"),
        }

    def check_room(self, user: str, size_bytes: int) -> None:
        """Make sure that a user may bring so much more; blocks.

        Raises:
            TooLargeError: no file may be so long.
            QuotaError: the user has too much already.
            OSError, UnsafePathError: it cannot be told.
        """
        if size_bytes > self.most_bytes:
            raise TooLargeError(f"a file may have {self.most_bytes} bytes here, and this has {size_bytes}")
        partial = [upload for upload in partial_files.every(self.root, user) if not upload.record.asset]
        if len(partial) >= MOST_PARTIAL:
            raise QuotaError(f"{MOST_PARTIAL} uploads of yours have not come whole; end or remove some")
        whole = [asset_files.find_file(self.root, user, digest) for _, digest, _ in asset_files.newest(self.root, user)]
        if len(whole) >= MOST_ASSETS:
            raise QuotaError(f"you have {MOST_ASSETS} assets; remove some")
        used = sum(asset.size_bytes for asset in whole if asset) + sum(upload.record.length for upload in partial)
        if used + size_bytes > self.user_bytes:
            raise QuotaError(f"with this you would have {used + size_bytes} bytes, of {self.user_bytes}; remove some")


def place_of(settings: Settings, pool: str, spec: RenderPoolSpec) -> UploadPlace:
    """Return the place of uploads of a pool.

    Raises:
        NoUploadsError: it has none, or none that is mounted here.
    """
    uploads = spec.storage.uploads
    if uploads is None:
        raise NoUploadsError(f'RenderPool "{pool}" has no storage.uploads')
    if split_uri(uploads.prefix)[0] != VOLUME:
        raise NoUploadsError(f'uploads of RenderPool "{pool}" are in an object store: put them there')
    root = Path(settings.uploads) / pool
    if not settings.uploads or not root.is_dir():
        raise NoUploadsError(f'the uploads of RenderPool "{pool}" are not mounted here')
    most = min(spec.storage.max_source_bytes, settings.max_upload_bytes)
    stays = timedelta(seconds=float(uploads.ttl))
    return UploadPlace(pool, root, uploads.prefix.rstrip("/"), stays, most, settings.max_user_bytes)
