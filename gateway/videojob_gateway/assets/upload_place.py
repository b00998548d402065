"""Where a pool has what its users bring, and how much each may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from videojob_contract.resources.uris import VOLUME, split_uri
from videojob_gateway.assets.volume_keeper import VolumeKeeper
from videojob_gateway.errors import NoUploadsError, QuotaError, TooLargeError

if TYPE_CHECKING:
    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_gateway.assets.keeping import MediaKeeper
    from videojob_gateway.assets.layout import AssetFile
    from videojob_gateway.assets.upload_stores import UploadStores
    from videojob_gateway.config import Settings

MOST_ASSETS: Final = 10_000
"""Of a user, in a pool."""
MOST_PARTIAL: Final = 100
"""Uploads of a user that have not come whole."""


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """The place of uploads of a pool."""

    pool: str
    keeper: MediaKeeper
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

    async def check_room(self, user: str, size_bytes: int) -> None:
        """Make sure that a user may bring so much more.

        Raises:
            TooLargeError: no file may be so long.
            QuotaError: the user has too much already.
            GatewayError: it cannot be told; see `MediaKeeper`.
        """
        if size_bytes > self.most_bytes:
            raise TooLargeError(f"a file may have {self.most_bytes} bytes here, and this has {size_bytes}")
        partial = await self.keeper.partial(user)
        if len(partial) >= MOST_PARTIAL:
            raise QuotaError(f"{MOST_PARTIAL} uploads of yours have not come whole; end or remove some")
        whole = await self.keeper.usage(user)
        if whole.count >= MOST_ASSETS:
            raise QuotaError(f"you have {MOST_ASSETS} assets; remove some")
        used = whole.size_bytes + sum(upload.record.length for upload in partial)
        if used + size_bytes > self.user_bytes:
            raise QuotaError(f"with this you would have {used + size_bytes} bytes, of {self.user_bytes}; remove some")


async def place_of(settings: Settings, stores: UploadStores, pool: str, spec: RenderPoolSpec) -> UploadPlace:
    """Return the place of uploads of a pool.

    Raises:
        NoUploadsError: it has none, or none that can be reached from here.
        StoreRefusesError: the credentials of its store cannot be used.
    """
    uploads = spec.storage.uploads
    if uploads is None:
        raise NoUploadsError(f'RenderPool "{pool}" has no storage.uploads')
    most = min(spec.storage.max_source_bytes, settings.max_upload_bytes)
    stays = timedelta(seconds=float(uploads.ttl))
    keeper: MediaKeeper
    if split_uri(uploads.prefix)[0] == VOLUME:
        root = Path(settings.uploads) / pool
        if not settings.uploads or not root.is_dir():
            raise NoUploadsError(f'the uploads of RenderPool "{pool}" are not mounted here')
        keeper = VolumeKeeper(root)
    else:
        keeper = await stores.keeper_of(pool, uploads.prefix, spec.storage.objects or (), stays)
        most = min(most, keeper.most_bytes)
    return UploadPlace(pool, keeper, uploads.prefix.rstrip("/"), stays, most, settings.max_user_bytes)
