"""The operator's signatures: a real S3 server takes them, and gives nothing else for them."""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

from tests.integration.objects.servers import ACCOUNT, BUCKET, add_account, let_below
from tests.integration.objects.test_urls import get
from videojob_common.object_clients import client_of, signed_url
from videojob_contract.api_paths import SECRETS
from videojob_contract.resources.object_stores import ObjectStore, Provider
from videojob_contract.resources.status import OutputStatus
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.act.url_signing import UrlSigner
from videojob_operator.errors import ApiError, UrlSigningError

if TYPE_CHECKING:
    from tests.integration.objects.conftest import Worker
    from tests.integration.objects.servers import Server

RENEWED = {"presignedFor": "1h", "renewedWith": {"name": "reader"}}


async def signer(secret: dict[str, str] | None) -> UrlSigner:
    kubernetes = FakeKubernetes(FakeApiServer(lambda: 0.0))
    if secret is not None:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in secret.items()}
        await kubernetes.create(SECRETS, "team", {"metadata": {"name": "reader"}, "data": data})
    return UrlSigner(kubernetes)


async def test_a_url_that_a_reader_signs_opens_the_output_alone(s3: Server, worker: Worker) -> None:
    """With credentials that may only read below a prefix, and whatever the store's own Secret has."""
    reader = add_account(s3, "url-reader", "url-reader-secret")
    let_below(s3, "url-reader", "renders")
    key = "renders/a b/é%#?+.mp4"
    worker.put(key, b"film")
    worker.put("other.mp4", b"other")
    signing = await signer(reader)
    entry = s3.entry(urls=RENEWED)
    url = await signing.sign("team", entry, f"s3://{BUCKET}/{quote(key)}", 60.0)
    assert get(url, s3) == b"film"
    assert "url-reader-secret" not in url
    other = await signing.sign("team", entry, f"s3://{BUCKET}/other.mp4", 60.0)
    for refused in (url.split("?")[0], other):
        with pytest.raises(urllib.error.HTTPError):
            get(refused, s3)


@pytest.mark.parametrize("key", ["ab.mp4", "a b.mp4", "été/日本語.mp4", "100%.mp4", "%41.mp4", "a+b&c=d~(e)!.mp4"])
async def test_azure_takes_what_the_operator_signs(azure: Server, key: str) -> None:
    azure.put(key, b"film")
    signing = await signer(azure.secrets)
    url = await signing.sign("team", azure.entry(urls=RENEWED), f"az://{BUCKET}/{quote(key)}", 60.0)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        assert answer.read() == b"film"
    with pytest.raises(urllib.error.HTTPError):
        opener.open(url.replace(quote(key), "other.mp4"), timeout=5)
    OutputStatus(name="main", uri="az://films/a", bytes=4, sha256="0" * 64, url=url)


async def test_azure_without_its_key_is_not_signed_for_in_vain() -> None:
    """As obstore would, whose URLs of such names Azure refuses."""
    entry = ObjectStore(name="a", provider=Provider.AZ, bucket="films", account="films", workload_identity=True)
    client = client_of(entry, None, {})
    with pytest.raises(ValueError, match="escapes"):
        await signed_url(client, entry, None, "a b.mp4", 60.0)


@pytest.fixture(scope="module")
def pem() -> str:
    command = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def test_google_is_signed_for_by_the_key_alone(pem: str) -> None:
    """As nothing is asked: the token endpoint that the key names is not there."""
    key = {"client_email": "a@b", "private_key": pem, "private_key_id": "1", "token_uri": "http://127.0.0.1:1/"}
    signing = await signer({"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(key)})
    entry = ObjectStore.model_validate({"name": "g", "provider": "gs", "bucket": "films", "urls": RENEWED})
    url = await signing.sign("team", entry, "gs://films/a%20b.mp4", 3600.0)
    parts = urlsplit(url)
    assert (parts.hostname, parts.path) == ("storage.googleapis.com", "/films/a%20b.mp4")
    assert "X-Goog-Signature=" in url
    assert "X-Goog-Expires=3600" in url


KEYS = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "hunter2"}


@pytest.mark.parametrize(
    ("provider", "secret", "uri", "says"),
    [
        ("s3", None, "s3://films/a.mp4", 'its Secret "reader" is not there'),
        ("s3", {}, "s3://films/a.mp4", "has no AWS_ACCESS_KEY_ID"),
        ("s3", {**KEYS, "AWS_SESSION_TOKEN": "x" * 5000}, "s3://films/a.mp4", "longer than a status has"),
        ("s3", {**KEYS, "AWS_SECRET_ACCESS_KEY": "x" * 70_000}, "s3://films/a.mp4", "cannot sign"),
        ("s3", KEYS, "s3://films/a/../b.mp4", "cannot be asked for"),
        ("gs", {"GOOGLE_SERVICE_ACCOUNT_KEY": '{"private_key": "hunter2"'}, "gs://films/a.mp4", "cannot sign"),
        ("az", {"AZURE_STORAGE_ACCOUNT_KEY": "hunter2!"}, "az://films/a.mp4", "cannot sign"),
        ("az", {"AZURE_STORAGE_SAS_TOKEN": "sig=hunter2"}, "az://films/a.mp4", "cannot sign"),
    ],
)
async def test_what_cannot_be_signed_is_told_and_gives_nothing_away(
    provider: str, secret: dict[str, str] | None, uri: str, says: str
) -> None:
    fields: dict[str, Any] = {"account": ACCOUNT} if provider == "az" else {}
    entry = ObjectStore.model_validate(
        {"name": "store", "provider": provider, "bucket": "films", "urls": RENEWED, **fields}
    )
    with pytest.raises(UrlSigningError, match=says) as caught:
        await (await signer(secret)).sign("team", entry, uri, 60.0)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__ or "hunter2" not in str(caught.value.__cause__)


async def test_a_secret_that_may_not_be_read_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise ApiError(403, "Forbidden", 'secrets "reader" is forbidden')

    monkeypatch.setattr(FakeKubernetes, "get", refuse)
    entry = ObjectStore.model_validate({"name": "store", "provider": "s3", "bucket": "films", "urls": RENEWED})
    with pytest.raises(UrlSigningError, match=r"let the operator get it: secrets .* forbidden"):
        await (await signer(None)).sign("team", entry, "s3://films/a.mp4", 60.0)
