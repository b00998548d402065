"""Object stores for one machine: each bucket that a spec names, reached as the environment says.

The variables are those of the providers' own programs. The client of the stores reads the credentials among them
itself; what is read here is where to go, and whether there are any.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

from videojob_contract.resources.object_stores import (
    ACCOUNT_PATTERN,
    BUCKET_PATTERN,
    MAX_STORES,
    OBJECT_SCHEMES,
    URL_PATTERN,
    ObjectStore,
    Provider,
)
from videojob_contract.resources.uris import Use, iter_uris, split_uri

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from videojob_contract.resources.videojob import VideoJobSpec

_AUTHORITIES = "AWS_CA_BUNDLE"
_ACCOUNT = "AZURE_STORAGE_ACCOUNT_NAME"
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_CREDENTIALS = {
    Provider.S3: (
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ),
    Provider.GS: ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT_KEY"),
    Provider.AZ: (
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_CLIENT_SECRET",
        "AZURE_FEDERATED_TOKEN_FILE",
    ),
}
"""One of these says that requests are to be signed; with none they are anonymous, as to a public bucket."""


def local_stores(spec: VideoJobSpec, environment: Mapping[str, str]) -> list[ObjectStore]:
    """Return a store for each bucket that a spec names; one that cannot be a bucket is left to be refused."""
    buckets = {split_uri(uri)[:2]: None for _, uri, _ in iter_uris(spec) if split_uri(uri)[0] in OBJECT_SCHEMES}
    known = [(Provider(scheme), bucket) for scheme, bucket in buckets if re.fullmatch(BUCKET_PATTERN, bucket)]
    return [
        _store(provider, bucket, f"{provider}-{index}", environment)
        for index, (provider, bucket) in enumerate(known[:MAX_STORES])
    ]


def environment_problem(spec: VideoJobSpec, environment: Mapping[str, str]) -> str | None:
    """Return what the environment lacks for the sources of a spec, or None."""
    read = {split_uri(uri)[0] for _, uri, use in iter_uris(spec) if use is Use.SOURCE}
    endpoint = _first(_ENDPOINTS, environment)
    if Provider.S3 in read and endpoint is not None and not re.fullmatch(URL_PATTERN, endpoint):
        return f"{_ENDPOINTS[1]} is not the URL of a server, such as http://localhost:9000"
    authorities = environment.get(_AUTHORITIES)
    if Provider.S3 in read and authorities and not os.access(authorities, os.R_OK):
        return f"{_AUTHORITIES} is not a file that can be read"
    if Provider.AZ in read and not re.fullmatch(ACCOUNT_PATTERN, environment.get(_ACCOUNT, "")):
        return f"the spec reads az://: say of which storage account with the variable {_ACCOUNT}"
    return None


def write_authorities(folder: Path, environment: Mapping[str, str]) -> None:
    """Put who signs certificates of S3 servers, if the environment says, where the worker has it of each store."""
    authorities = environment.get(_AUTHORITIES)
    for index in range(MAX_STORES if authorities else 0):
        store = folder / f"{Provider.S3}-{index}"
        store.mkdir(parents=True)
        shutil.copy(str(authorities), store / "ca.crt")


def _store(provider: Provider, bucket: str, name: str, environment: Mapping[str, str]) -> ObjectStore:
    # In part not validated: of what only looks at a spec, the environment is no concern.
    store = ObjectStore(
        name=name, provider=provider, bucket=bucket, workload_identity=bool(_first(_CREDENTIALS[provider], environment))
    )
    match provider:
        case Provider.S3:
            places = {"endpoint": _first(_ENDPOINTS, environment), "region": _first(_REGIONS, environment)}
        case Provider.AZ:
            places = {"account": environment.get(_ACCOUNT)}
        case Provider.GS:
            places = {}
    return store.model_copy(update=places)


def _first(names: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    return next((value for name in names if (value := environment.get(name))), None)
