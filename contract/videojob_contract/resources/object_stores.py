"""Object stores that a pool reaches: `s3://`, `gs://` and `az://`, and which of them serves a URI.

Endpoints come from the pool alone, because the client of a store does not pass the address guard. Credentials are
not here: a Secret has them, and workers read it as files.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated
from urllib.parse import unquote

from pydantic import StringConstraints

from videojob_contract.resources.base import Duration, Model, MountName, Name, Rule, rules
from videojob_contract.resources.uris import split_uri

BUCKET_PATTERN = r"^[$a-z0-9][-._a-z0-9]{1,220}[a-z0-9]$"
KEY_PREFIX_PATTERN = r"^[^/]+(/[^/]+)*/?$"
URL_PATTERN = r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$"
ACCOUNT_PATTERN = r"^[a-z0-9]{3,24}$"
STORAGE_CLASS_PATTERN = r"^[A-Za-z_]+$"
KMS_KEY_PATTERN = r"^[-A-Za-z0-9_:/.]+$"

MAX_STORES = 16
"""Most object stores of a pool."""

Url = Annotated[str, StringConstraints(pattern=URL_PATTERN, max_length=1024)]
"""Of a server: http or https, without user, query and fragment."""


class Provider(StrEnum):
    """Whose protocol a store speaks: the scheme of its URIs."""

    S3 = "s3"
    GS = "gs"
    AZ = "az"


class Encryption(StrEnum):
    """How S3 encrypts what it keeps."""

    AES256 = "AES256"
    KMS = "aws:kms"


class SecretReference(Model):
    """A Secret in the pool's namespace."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Its name."""


class ServerSideEncryption(Model):
    """How the store encrypts what it is given."""

    model_config = rules(
        Rule("!has(self.kmsKeyId) || self.algorithm == 'aws:kms'", "is for the algorithm aws:kms", ".kmsKeyId")
    )

    algorithm: Encryption
    """AES256, with keys of the store, or aws:kms, with those of a key management service."""
    kms_key_id: Annotated[str, StringConstraints(pattern=KMS_KEY_PATTERN, max_length=512)] | None = None
    """The key of the service. Default: the account's."""


class OutputUrls(Model):
    """How the URLs in the status of outputs are made."""

    model_config = rules(
        Rule("has(self.presignedFor) != has(self.publicBase)", "needs one of presignedFor and publicBase"),
        Rule("!has(self.renewedWith) || has(self.presignedFor)", "is for presignedFor", ".renewedWith"),
    )

    presigned_for: Duration | None = None
    """Sign them for so long, at most 168h. Whoever may read the VideoJob can then read its outputs."""
    renewed_with: SecretReference | None = None
    """The Secret with which the operator, which has to be let read it, signs them anew before they expire, for as long
    as the VideoJob is there; to read objects is all that its credentials need. Default: they are signed once."""
    public_base: Url | None = None
    """Begin them with this, in place of the bucket: of a public bucket, or of a CDN before it."""


class ObjectStore(Model):
    """A bucket, or what is below a prefix of it, that workers reach."""

    model_config = rules(
        Rule(
            "!has(self.secretRef) || !self.workloadIdentity",
            "give either secretRef or workloadIdentity",
            ".workloadIdentity",
        ),
        Rule("self.provider != 'az' || has(self.account)", "az needs a storage account", ".account"),
        Rule("self.provider == 'az' || !has(self.account)", "is for az", ".account"),
        Rule("self.provider == 's3' || !has(self.region)", "is for s3", ".region"),
        Rule("self.provider == 's3' || !has(self.encryption)", "is for s3", ".encryption"),
        Rule(
            "!has(self.urls) || !has(self.urls.presignedFor) || has(self.urls.renewedWith) || has(self.secretRef) || "
            "self.workloadIdentity",
            "needs credentials to sign with: a secretRef or workloadIdentity",
            ".urls",
        ),
    )

    name: MountName
    """Its name, in messages and as the folder of its credentials in workers."""
    provider: Provider
    """s3, of Amazon and whoever speaks its protocol; gs, of Google; az, of Azure."""
    bucket: Annotated[str, StringConstraints(pattern=BUCKET_PATTERN, max_length=222)]
    """The bucket, or Azure's container."""
    prefix: Annotated[str, StringConstraints(pattern=KEY_PREFIX_PATTERN, max_length=256)] | None = None
    """Only what is below it, as renders/a.mp4 is below renders; written as it is, without escapes. Default: all."""
    endpoint: Url | None = None
    """Another server than the provider's own."""
    region: Name | None = None
    """Of s3. Default: us-east-1."""
    account: Annotated[str, StringConstraints(pattern=ACCOUNT_PATTERN, max_length=24)] | None = None
    """Of az, where it is required: the storage account."""
    secret_ref: SecretReference | None = None
    """The Secret with its credentials. Without it and workloadIdentity, requests are anonymous."""
    workload_identity: bool = False
    """Take the credentials that the cloud gives to `worker.serviceAccountName`."""
    read_only: bool = False
    """Whether outputs may not go there."""
    encryption: ServerSideEncryption | None = None
    """Of s3: how outputs are encrypted. Default: as the bucket says."""
    storage_class: Annotated[str, StringConstraints(pattern=STORAGE_CLASS_PATTERN, max_length=64)] | None = None
    """Of outputs, in the provider's words, such as STANDARD_IA, NEARLINE or Cool. Default: the bucket's."""
    urls: OutputUrls | None = None
    """Give `status.outputs[].url`. Default: none."""

    @property
    def is_anonymous(self) -> bool:
        """Whether requests to it are not signed."""
        return self.secret_ref is None and not self.workload_identity

    @property
    def base(self) -> str:
        """What all URIs that it covers begin with, before they are escaped, such as `s3://bucket/renders/`."""
        return f"{self.provider}://{self.bucket}/{_folder(self.prefix)}"


OBJECT_SCHEMES = tuple(provider.value for provider in Provider)


def object_key(uri: str) -> str:
    """Return the key of an object's URI, its escapes resolved once: `renders/a b.mp4` of `s3://bucket/renders/a%20b.mp4`."""
    return unquote(split_uri(uri)[2])


def store_of(uri: str, stores: Iterable[ObjectStore]) -> ObjectStore | None:
    """Return the store that serves a URI, or None: of those that cover it, the one with the longest prefix.

    It may be read-only, whatever others that cover the URI are.
    """
    scheme, bucket, _ = split_uri(uri)
    key = object_key(uri)
    covering = [
        store
        for store in stores
        if store.provider == scheme and store.bucket == bucket and key.startswith(_folder(store.prefix))
    ]
    return max(covering, key=lambda store: len(_folder(store.prefix)), default=None)


def _folder(prefix: str | None) -> str:
    return f"{prefix.rstrip('/')}/" if prefix else ""
