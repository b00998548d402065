"""URLs of blobs, signed with the key of an Azure storage account: a service SAS, as its documents have it.

obstore makes such URLs too, but signs a key with its escapes: Azure takes them of plain names alone.
"""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from datetime import datetime

    from videojob_contract.resources.object_stores import ObjectStore

_VERSION = "2023-11-03"


def azure_url(entry: ObjectStore, account_key: str, key: str, until: datetime, permissions: str) -> str:
    """Return a URL by which a blob can be used until then; `permissions` are Azure's letters, such as r.

    Raises:
        ValueError: the account's key is none.
    """
    expires = f"{until:%Y-%m-%dT%H:%M:%SZ}"
    # Permissions, start, expiry, resource, identifier, addresses, protocol, version, kind, snapshot, encryption scope,
    # and five headers of the answer.
    signed = [
        permissions,
        "",
        expires,
        f"/blob/{entry.account}/{entry.bucket}/{key}",
        "",
        "",
        "",
        _VERSION,
        "b",
        *[""] * 7,
    ]
    digest = hmac.digest(base64.b64decode(account_key, validate=True), "\n".join(signed).encode(), "sha256")
    query = {"sv": _VERSION, "sr": "b", "sp": permissions, "se": expires, "sig": base64.b64encode(digest).decode()}
    server = (entry.endpoint or f"https://{entry.account}.blob.core.windows.net").rstrip("/")
    return f"{server}/{quote(f'{entry.bucket}/{key}')}?{urlencode(query)}"
