"""What assets and partial uploads are, and how they are named, wherever they are kept. Pure.

An asset is `assets/USER/SHA-256/NAME`; what has not come whole is below `partial/USER`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - a field of a dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from videojob_gateway.assets.media_kinds import KINDS, MediaKind

ASSETS: Final = "assets"
PARTIAL: Final = "partial"
NOBODY: Final = "_"
"""Whose folder it is where nobody is asked who they are; no user is called so."""
STAYS_S: Final = 24 * 3600.0
"""How long an upload stays to which nothing comes."""
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
UPLOAD_ID: Final = re.compile(r"[0-9a-f]{32}")
_USER: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.@]{0,61}[A-Za-z0-9])?")
_NAME: Final = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.]{0,119}")
_LONGEST_STEM: Final = 100

Bytes = Annotated[int, Field(ge=0, le=1 << 62)]
Place = tuple[int, str, str]
"""Where an asset is in a list: its time in ns, its digest and its user."""


@dataclass(frozen=True, slots=True)
class AssetFile:
    """A file that a user brought."""

    user: str
    sha256: str
    """Of its bytes, in hex: by which it is known."""
    name: str
    """What it is called in its folder: as it was called, as far as a name can say, with the extension of its kind."""
    kind: MediaKind
    size_bytes: int
    created_at: datetime
    used_at: datetime
    """When it was brought last, or read for a VideoJob: from then on its time runs."""

    @property
    def path(self) -> str:
        """Where it is, below the place of uploads."""
        return f"{folder_of_asset(self.user, self.sha256)}/{self.name}"


class UploadRecord(BaseModel):
    """What an upload is to become."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    length: Bytes
    """How many bytes it is to have."""
    name: Annotated[str, Field(max_length=255)] = ""
    """What its sender calls it."""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """What its sender says that its digest is; empty for nothing."""
    asset: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """The asset that it has become."""


@dataclass(frozen=True, slots=True)
class PartialUpload:
    """An upload, as it is now."""

    id: str
    record: UploadRecord
    offset: int
    """How many bytes there are."""
    expires_at: float
    """When it goes if nothing comes, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a user has of assets."""

    count: int
    size_bytes: int


def folder_of(user: str) -> str:
    """Return the name of a user's folder."""
    return user if _USER.fullmatch(user) else NOBODY


def owner_of_folder(folder: str) -> str | None:
    """Return whose folder it is; None for no user's."""
    if folder == NOBODY:
        return ""
    return folder if folder_of(folder) == folder else None


def folder_of_assets(user: str) -> str:
    """Return where a user's assets are."""
    return f"{ASSETS}/{folder_of(user)}"


def folder_of_asset(user: str, sha256: str) -> str:
    """Return where an asset is, without its name."""
    return f"{folder_of_assets(user)}/{sha256}"


def file_name(said: str, kind: MediaKind) -> str:
    """Return what a file is to be called that its sender calls something: a name without paths and odd characters."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", re.split(r"[/\\]", said)[-1].rpartition(".")[0] or said)
    return f"{stem.strip('-_')[:_LONGEST_STEM].rstrip('-_') or 'file'}{kind.extension}"


def kind_of_name(name: str) -> MediaKind | None:
    """Return the kind of a file that was named by `file_name`; None for what nobody here has named."""
    return KINDS.get(f".{name.rpartition('.')[2]}") if _NAME.fullmatch(name) else None
