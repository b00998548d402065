"""What must hold between the fields of a pool's object stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.problems import Problem
from videojob_contract.resources.object_stores import Encryption, Provider

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from videojob_contract.resources.object_stores import ObjectStore, OutputUrls

_ONLY = {"account": Provider.AZ, "region": Provider.S3, "encryption": Provider.S3}
"""Fields of one provider alone."""
MAX_PRESIGNED_S = 7 * 24 * 3600
"""Longest time that S3 and Google take for a signed URL."""
MIN_RENEWED_S = 10 * 60
"""Shortest time of one that is renewed: each renewal is a write."""


def check_object_stores(path: str, stores: Sequence[ObjectStore]) -> Iterator[Problem]:
    """Yield every problem of the stores that stand at a path."""
    bases: dict[str, str] = {}
    for index, store in enumerate(stores):
        where = f"{path}[{index}]"
        first = bases.setdefault(store.base, store.name)
        if first != store.name:
            yield Problem(where, f"{store.base} is of {first} already: no URI could tell them apart")
        if any(part in {".", ".."} for part in (store.prefix or "").split("/")):
            yield Problem(f"{where}.prefix", "must not have . or .. parts")
        for name, provider in _ONLY.items():
            if getattr(store, name) is not None and store.provider is not provider:
                yield Problem(f"{where}.{name}", f"is for {provider}")
        if store.provider is Provider.AZ and store.account is None:
            yield Problem(f"{where}.account", "az needs a storage account")
        if store.secret_ref is not None and store.workload_identity:
            yield Problem(f"{where}.workloadIdentity", "give either secretRef or workloadIdentity")
        encryption = store.encryption
        if encryption and encryption.kms_key_id and encryption.algorithm is not Encryption.KMS:
            yield Problem(f"{where}.encryption.kmsKeyId", "is for the algorithm aws:kms")
        if store.urls is not None:
            yield from _urls(f"{where}.urls", store, store.urls)


def _urls(path: str, store: ObjectStore, urls: OutputUrls) -> Iterator[Problem]:
    if (urls.presigned_for is None) == (urls.public_base is None):
        yield Problem(path, "needs one of presignedFor and publicBase")
    if urls.presigned_for is None:
        if urls.renewed_with is not None:
            yield Problem(f"{path}.renewedWith", "is for presignedFor")
        return
    if not 0 < urls.presigned_for <= MAX_PRESIGNED_S:
        yield Problem(f"{path}.presignedFor", "must be longer than 0s and at most 168h")
    elif urls.renewed_with is not None and urls.presigned_for < MIN_RENEWED_S:
        yield Problem(f"{path}.presignedFor", "must be at least 10m where it is renewed")
    if store.is_anonymous and urls.renewed_with is None:
        yield Problem(path, "needs credentials to sign with: a secretRef or workloadIdentity")
