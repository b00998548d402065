"""Real object storage servers for tests, on loopback: versitygw (S3, with TLS), fake-gcs-server, and azurite."""

from __future__ import annotations

import base64
import hmac
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from obstore.store import AzureStore, GCSStore, S3Store

from tests.ports import free_port
from videojob_contract.resources.object_stores import ObjectStore
from videojob_worker.storage.base import ObjectAccess

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
START_TIMEOUT_S = 20.0
ACCESS_KEY, SECRET_KEY = "test-access-key", "test-secret-key"
REGION = "eu-test-1"
BUCKET = "films"
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # azurite's own
)


@dataclass(frozen=True)
class Server:
    """A running server with a bucket."""

    provider: str
    url: str
    port: int
    authority: str
    """Who signed its certificate, as PEM; empty without TLS."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Keys of a Secret that lets one do all."""
    folder: Path = Path()

    def entry(self, **changes: object) -> ObjectStore:
        """Return the pool's entry for its bucket."""
        values: dict[str, object] = {
            "name": "store",
            "provider": self.provider,
            "bucket": BUCKET,
            "endpoint": self.url,
            "secretRef": {"name": "store-keys"} if self.secrets else None,
        }
        values |= {"s3": {"region": REGION}, "az": {"account": ACCOUNT}}.get(self.provider, {})
        return ObjectStore.model_validate({**values, **changes})

    def access(self, folder: Path, *entries: ObjectStore, **secrets: str) -> ObjectAccess:
        """Return what a worker has: entries, and their credentials as files; `secrets` differ from the right ones."""
        entries = entries or (self.entry(),)
        for entry in entries:
            own = folder / entry.name
            own.mkdir(parents=True, exist_ok=True)
            right = self.secrets | ({"ca.crt": self.authority} if self.authority else {})
            for name, value in (
                right | {name.replace("ca_crt", "ca.crt"): value for name, value in secrets.items()}
            ).items():
                (own / name).write_text(value)
        return ObjectAccess(entries, folder)

    def put(self, key: str, content: bytes) -> None:
        """Put an object there, as whoever else may."""
        if self.provider != "gs":
            self.admin().put(key, content)
            return
        url = f"{self.url}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={quote(key, safe='')}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(urllib.request.Request(url, content, {"Content-Type": "video/mp4"}), timeout=10).close()  # noqa: S310

    def admin(self, bucket: str = BUCKET) -> S3Store | GCSStore | AzureStore:
        """Return a client that may do all."""
        options = {"allow_http": not self.authority} | ({"root_certificate": self.authority} if self.authority else {})
        if self.provider == "gs":
            key = self.secrets["GOOGLE_SERVICE_ACCOUNT_KEY"]
            return GCSStore(bucket, config={"service_account_key": key}, client_options=options)
        if self.provider == "az":
            key = self.secrets["AZURE_STORAGE_ACCOUNT_KEY"]
            azure = {"account_name": ACCOUNT, "account_key": key, "endpoint": self.url}
            return AzureStore(bucket, config=azure, client_options=options)
        config = {
            "endpoint": self.url,
            "region": REGION,
            "access_key_id": self.secrets["AWS_ACCESS_KEY_ID"],
            "secret_access_key": self.secrets["AWS_SECRET_ACCESS_KEY"],
        }
        return S3Store(bucket, config=config, client_options=options)


@cache
def programs() -> Path:
    """Return the folder of the servers' programs, building them when no earlier run has."""
    done = subprocess.run([ROOT / "hack" / "bootstrap", "objects"], check=True, stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.splitlines()[-1])


@contextmanager
def s3_server(folder: Path, host: str = "127.0.0.1") -> Iterator[Server]:
    """Run versitygw on a folder, with TLS, accounts and an empty bucket; it logs requests to `access.log` there."""
    certificate, key, authority = make_certificate(folder / "tls", address=host)
    port = free_port()
    data, accounts = folder / "data", folder / "accounts"
    (data / BUCKET).mkdir(parents=True)
    accounts.mkdir()
    command = [
        *(programs() / "versitygw", "--port", f"{host}:{port}", "--cert", certificate, "--key", key),
        *("--region", REGION, "--iam-dir", accounts, "--access-log", folder / "access.log", "--keep-alive", "--quiet"),
        *("posix", data),
    ]
    environment = {"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}
    with _process(command, folder / "versitygw.log", port, environment, host):
        secrets = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        yield Server("s3", f"https://{host}:{port}", port, authority.read_text(), secrets, folder)


@contextmanager
def gcs_server(folder: Path) -> Iterator[Server]:
    """Run fake-gcs-server with an empty bucket; it lets everyone do all."""
    (folder / "seed" / BUCKET).mkdir(parents=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        *(programs() / "fake-gcs-server", "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1"),
        *("-port", str(port), "-data", folder / "seed", "-external-url", url, "-public-host", f"127.0.0.1:{port}"),
    ]
    with _process(command, folder / "fake-gcs-server.log", port, {}):
        key = {"gcs_base_url": url, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
        yield Server("gs", url, port, "", {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(key)}, folder)


@contextmanager
def azure_server(folder: Path) -> Iterator[Server]:
    """Run azurite with an empty container."""
    port = free_port()
    command = [
        *("node", programs() / "node_modules" / ".bin" / "azurite-blob", "--blobHost", "127.0.0.1"),
        *("--blobPort", port, "--inMemoryPersistence", "--skipApiVersionCheck"),
        *("--disableTelemetry", "--silent"),
    ]
    with _process(command, folder / "azurite.log", port, {}):
        _create_container(port)
        url = f"http://127.0.0.1:{port}/{ACCOUNT}"
        yield Server("az", url, port, "", {"AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY}, folder)


def _create_container(port: int) -> None:
    """Ask for it as Azure's documents have it for Shared Key: obstore makes none."""
    date = formatdate(usegmt=True)
    canonical = f"x-ms-date:{date}\nx-ms-version:2021-12-02\n/{ACCOUNT}/{ACCOUNT}/{BUCKET}\nrestype:container"
    signed = f"PUT{chr(10) * 12}{canonical}"
    key = hmac.new(base64.b64decode(ACCOUNT_KEY), signed.encode(), "sha256").digest()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-12-02",
        "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(key).decode()}",
    }
    connection.request("PUT", f"/{ACCOUNT}/{BUCKET}?restype=container", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    connection.close()


def add_account(server: Server, access: str, secret: str) -> dict[str, str]:
    """Make an account of versitygw that may do nothing yet; return its Secret's keys."""
    _administer(server, "create-user", "--access", access, "--secret", secret, "--role", "user")
    return {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}


def change_secret(server: Server, access: str, secret: str) -> None:
    """Give an account of versitygw another key."""
    _administer(server, "update-user", "--access", access, "--secret", secret)


def _administer(server: Server, *words: str) -> None:
    command = [
        *(programs() / "versitygw", "admin", "--allow-insecure", "--endpoint-url", server.url),
        *("--access", ACCESS_KEY, "--secret", SECRET_KEY, "--region", REGION, *words),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=20)


def let_below(server: Server, access: str, prefix: str) -> None:
    """Let an account of versitygw read and write what is below a prefix, and list nothing."""
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": [access]},
                "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
                "Resource": [f"arn:aws:s3:::{BUCKET}/{prefix}" + ("" if prefix == "*" else "/*")],
            }
        ],
    }
    os.setxattr(server.folder / "data" / BUCKET, "user.policy", json.dumps(policy).encode())  # where versitygw keeps it


def make_certificate(
    folder: Path, authority_name: str = "test authority", address: str = "127.0.0.1"
) -> tuple[Path, Path, Path]:
    """Make a certificate for an address; return its file, that of its key, and that of the authority that signed it."""
    folder.mkdir(exist_ok=True)
    authority, request, certificate = folder / "ca.crt", folder / "tls.csr", folder / "tls.crt"
    key, of_authority = folder / "tls.key", folder / "ca.key"
    new = ("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    extensions = folder / "extensions"
    extensions.write_text(f"subjectAltName=IP:{address}\nbasicConstraints=critical,CA:FALSE\n")
    for command in (
        (*new, "-x509", "-days", "2", "-subj", f"/CN={authority_name}", "-keyout", of_authority, "-out", authority),
        (*new, "-subj", f"/CN={address}", "-keyout", key, "-out", request),
        (
            *("openssl", "x509", "-req", "-in", request, "-CA", authority, "-CAkey", of_authority, "-CAcreateserial"),
            *("-days", "2", "-extfile", extensions, "-out", certificate),
        ),
    ):
        subprocess.run(command, check=True, capture_output=True)
    return certificate, key, authority


@contextmanager
def _process(
    command: list[object], log: Path, port: int, environment: dict[str, str], host: str = "127.0.0.1"
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "HOME": str(log.parent), **environment},
        )
    try:
        _wait(process, (host, port), log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(log.parent / "data", ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], address: tuple[str, int], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(address, timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{log.stem} did not start: {log.read_text()[-2000:]}")
