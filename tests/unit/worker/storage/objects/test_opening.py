"""Opening a store with credentials that are none: told where to look, and never what they are."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from videojob_contract.errors import PermanentError, Reason, TransientError
from videojob_contract.resources.object_stores import ObjectStore
from videojob_worker.storage.base import ObjectAccess
from videojob_worker.storage.objects.opening import OpenStore, open_store

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {"AWS_ACCESS_KEY_ID": "hunter2", "AWS_SECRET_ACCESS_KEY": "hunter2"}
PEM = "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n"
ACCOUNT = '{"private_key": "hunter2", "private_key_id": "1", "client_email": "a@b"}'


def open_with(folder: Path, uri: str, secrets: dict[str, str], **fields: Any) -> OpenStore:
    provider = uri.partition(":")[0]
    entry = {"name": "films", "provider": provider, "bucket": "films", "secretRef": {"name": "keys"}, **fields}
    (folder / "films").mkdir()
    for name, text in secrets.items():
        (folder / "films" / name).write_text(text)
    access = ObjectAccess([ObjectStore.model_validate(entry)], folder)
    return open_store(f"spec.clips[0].image.uri: {uri}", uri, access, Reason.SOURCE_FORBIDDEN, 1)


@pytest.mark.parametrize(
    ("provider", "secrets", "fields"),
    [
        ("gs", {"GOOGLE_SERVICE_ACCOUNT_KEY": "hunter2"}, {}),
        ("gs", {"GOOGLE_SERVICE_ACCOUNT_KEY": '{"private_key": "hunter2"'}, {}),
        ("gs", {"GOOGLE_SERVICE_ACCOUNT_KEY": ACCOUNT}, {}),
        ("az", {"AZURE_STORAGE_ACCOUNT_KEY": "hunter2!"}, {"account": "films"}),
        ("az", {"AZURE_STORAGE_SAS_TOKEN": "hunter2"}, {"account": "films"}),
        ("s3", {**KEYS, "ca.crt": "hunter2"}, {"endpoint": "https://minio"}),
        ("s3", {**KEYS, "ca.crt": PEM}, {"endpoint": "https://minio"}),
    ],
)
def test_credentials_that_are_none_are_told_of_and_not_repeated(
    tmp_path: Path, provider: str, secrets: dict[str, str], fields: dict[str, Any]
) -> None:
    uri = f"{provider}://films/a.jpg"
    with pytest.raises(TransientError) as caught:
        open_with(tmp_path, uri, secrets, **fields)
    assert caught.value.message == (
        f"spec.clips[0].image.uri: {uri}: the credentials of object store films cannot be used: look at its Secret keys"
    )
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "key", ["%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9.jpg", "a%C2%A0b.jpg", "%E2%80%AEgpj.exe", "a%5Cb.jpg"]
)
def test_a_key_may_have_every_character_but_controls(tmp_path: Path, key: str) -> None:
    open_with(tmp_path, f"s3://films/{key}", KEYS)


def test_an_endpoint_may_end_in_a_slash(tmp_path: Path) -> None:
    key = {
        "gcs_base_url": "http://gcs",
        "disable_oauth": True,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    }
    secrets = {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(key)}
    opened = open_with(tmp_path, "gs://films/a.jpg", secrets, endpoint="http://gcs:4443/")
    assert opened.store.config["base_url"] == "http://gcs:4443"


@pytest.mark.parametrize("key", ["a%00.jpg", "a%0Ab.jpg", "a%7F.jpg", "a/../b.jpg", "a//b.jpg", "%2E/a.jpg", ""])
def test_a_key_that_may_not_be_asked_for_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(PermanentError, match="the key has an empty part"):
        open_with(tmp_path, f"s3://films/{key}", KEYS)
