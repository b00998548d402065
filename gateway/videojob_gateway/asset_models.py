"""What is answered of assets, for the OpenAPI document alone."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads annotations

from pydantic import Field

from videojob_gateway.models import WireModel


class Asset(WireModel):
    """Media that a user brought."""

    id: str = Field(examples=[f"default.{'9f' * 32}"])
    """Its pool and the digest of its bytes."""
    pool: str
    """The pool whose VideoJobs can read it."""
    user: str
    """Whose it is."""
    name: str = Field(examples=["holiday.jpg"])
    """What it is called."""
    uri: str = Field(examples=["volume://media/uploads/assets/ana/9f86…/holiday.jpg"])
    """What a spec calls it."""
    type: str = Field(examples=["image/jpeg"])
    """What it is, by its bytes."""
    bytes: int
    """How many it has."""
    sha256: str
    """Their digest."""
    created_at: datetime
    """When it was brought."""
    expires_at: datetime
    """When it goes, unless a VideoJob reads it or it is brought again."""


class AssetList(WireModel):
    """A page of assets."""

    items: list[Asset]
    """The newest first."""
    next: str | None
    """`cursor` of the next page; null when there is none."""


class ResumableUpload(WireModel):
    """An upload that may be resumed."""

    id: str
    """Its pool, and what it is known by."""
    offset: int
    """How many bytes have come."""
    length: int
    """How many are to."""
    expires_at: datetime
    """When it goes, unless more comes."""
    asset: Asset | None
    """What it has become, once all have come."""


class SignedUploadPart(WireModel):
    """A part of an upload, to be put straight to the object store."""

    number: int
    """The first is 1."""
    offset: int
    """From which byte of the file on."""
    bytes: int
    """How many it has: all of them in one request."""
    method: str = Field(examples=["PUT"])
    """With which it is sent."""
    url: str
    """Where it is sent, without any credentials."""
    headers: dict[str, str] = Field(examples=[{"x-ms-blob-type": "BlockBlob"}])
    """What is sent with it."""


class SignedUploadParts(WireModel):
    """The first of the parts that have not come."""

    part_bytes: int = Field(examples=[8388608])
    """How many each has, but the last of the file."""
    missing: int
    """How many have not come."""
    expires_at: datetime
    """Until when the URLs are good."""
    parts: list[SignedUploadPart]
    """Empty when all have come."""
