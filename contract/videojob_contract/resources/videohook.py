"""VideoHook: VideoJobs that are made when another program tells the gateway of something, by a webhook."""

import re
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from videojob_contract.labels import GROUP
from videojob_contract.resources.base import BY_NAME, Label, Model, Name, Rule, Text, rules
from videojob_contract.resources.notifications import KEY_NAME_PATTERN
from videojob_contract.resources.videojob import ParameterValue, TemplateRef
from videojob_contract.resources.videotemplate import PARAMETER_NAME_PATTERN

MAX_HOOK_NAME = 42
"""Longest name: those of its VideoJobs add a digest of the delivery that they are made for."""

PAYLOAD_PATH_PATTERN = r'^\$(\.[A-Za-z_][A-Za-z0-9_]*|\["[^"\\]+"\]|\[(0|[1-9][0-9]{0,5})\]|\[\*\])*$'
"""Of JSONPath (RFC 9535) what follows a payload once from its top down: names, indexes and `[*]`."""
HEADER_NAME_PATTERN = r"^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?$"
PREFIX_PATTERN = r"^[!-~]*$"
SIGNED_PATTERN = r"^[!-z|~]*(\{timestamp\}[!-z|~]*)?\{body\}$"
LABEL_VALUE_PATTERN = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"

_LABEL_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_AS_SET: dict[str, Any] = {"x-kubernetes-list-type": "set"}


def _label_name(name: str) -> str:
    if not _LABEL_NAME.fullmatch(name) or name.partition("/")[0].endswith(GROUP):
        raise ValueError(f'"{name}" cannot be the name of a label of yours')
    return name


HeaderName = Annotated[str, StringConstraints(pattern=HEADER_NAME_PATTERN, max_length=64)]
"""The name of a header of HTTP; capitals and small letters are the same."""
PayloadPath = Annotated[str, StringConstraints(pattern=PAYLOAD_PATH_PATTERN, max_length=256)]
"""Where something is in a payload, such as `$.release.name` or `$.labels[*].name`."""


class Scheme(StrEnum):
    """How a sender signs what it sends."""

    GITHUB = "GitHub"
    STANDARD_WEBHOOKS = "StandardWebhooks"
    HMAC = "HMAC"


class SignatureEncoding(StrEnum):
    """How a digest is written."""

    HEX = "hex"
    BASE64 = "base64"


class Hmac(Model):
    """An HMAC with SHA-256, as many senders have one of their own."""

    model_config = rules(
        Rule(
            "has(self.timestampHeader) == self.signed.contains('{timestamp}')",
            "needs {timestamp} where there is a timestampHeader, and there alone",
            ".signed",
        )
    )

    header: HeaderName
    """The header that has the signature."""
    prefix: Annotated[str, StringConstraints(pattern=PREFIX_PATTERN, max_length=32)] = ""
    """What the signature begins with there, such as `sha256=`."""
    encoding: SignatureEncoding = SignatureEncoding.HEX
    """How it is written: hex or base64."""
    timestamp_header: HeaderName | None = None
    """The header that has when it was sent, in seconds since 1970; what is older than five minutes is refused."""
    signed: Annotated[str, StringConstraints(pattern=SIGNED_PATTERN, max_length=64)] = "{body}"
    """What is signed: `{body}`, or with a timestamp such as `{timestamp}.{body}`."""
    id_header: HeaderName | None = None
    """The header that has the delivery's identity, by which one that comes again is known. Default: the digest of the
    body is."""

    @model_validator(mode="after")
    def _signs_its_timestamp(self) -> Self:
        if (self.timestamp_header is not None) != ("{timestamp}" in self.signed):
            raise ValueError("signed needs {timestamp} where there is a timestampHeader, and there alone")
        return self


class Verification(Model):
    """How it is known who sends."""

    model_config = rules(
        Rule("has(self.hmac) == (self.scheme == 'HMAC')", "is for the scheme HMAC, which needs it", ".hmac")
    )

    scheme: Scheme
    """How deliveries are signed: as GitHub does, by the specification Standard Webhooks, or by another HMAC."""
    secret_key: Annotated[str, StringConstraints(pattern=KEY_NAME_PATTERN, max_length=253)]
    """The entry, of the Secret that the gateway was given for hooks, whose keys sign; several, one a line, for a
    rotation."""
    hmac: Hmac | None = None
    """How the scheme HMAC signs."""

    @model_validator(mode="after")
    def _says_how(self) -> Self:
        if (self.hmac is not None) != (self.scheme is Scheme.HMAC):
            raise ValueError("hmac is for the scheme HMAC, which needs it")
        return self


class HeaderFilter(Model):
    """What a header has to have."""

    name: HeaderName
    """The header, such as X-GitHub-Event."""
    values: Annotated[
        list[Annotated[str, StringConstraints(max_length=256)]],
        Field(min_length=1, max_length=32, json_schema_extra=_AS_SET),
    ]
    """One of these is its value."""


class PayloadFilter(Model):
    """What a payload has to have."""

    path: PayloadPath
    """Where it is: JSONPath of names, indexes and `[*]`, such as `$.action` or `$.labels[*].name`."""
    values: Annotated[list[ParameterValue] | None, Field(min_length=1, max_length=32)] = None
    """One of these is there. Default: anything but null."""


class HookFilters(Model):
    """Which deliveries make a VideoJob: those that pass each."""

    headers: Annotated[list[HeaderFilter], Field(max_length=8, json_schema_extra=BY_NAME)] = []
    """What headers have."""
    payload: Annotated[list[PayloadFilter], Field(max_length=16)] = []
    """What the payload has."""


class HookParameter(Model):
    """A parameter of the template, and where its value comes from."""

    name: Annotated[str, StringConstraints(pattern=PARAMETER_NAME_PATTERN, max_length=63)]
    """Its name, as the template declares it."""
    path: PayloadPath | None = None
    """Where its value is in the payload: one text, number or boolean."""
    value: ParameterValue | None = None
    """Its value where there is no path, or nothing at it. With neither, what has no value there is refused."""

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if self.path is None and self.value is None:
            raise ValueError("needs a path, a value, or both")
        return self


class HookedJob(Model):
    """The VideoJobs that are made."""

    template_ref: TemplateRef
    """The VideoTemplate that has their timeline."""
    parameters: Annotated[list[HookParameter], Field(max_length=64, json_schema_extra=BY_NAME)] = []
    """Their parameters."""
    pool: Name = "default"
    """The RenderPool that renders them."""
    queue: Name = "default"
    """Its queue."""
    user: Label | None = None
    """Whose they are."""
    project: Label | None = None
    """Their project."""
    tier: Name | None = None
    """Their tier of limits."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Their priority among those of their user."""
    labels: Annotated[
        dict[
            Annotated[str, StringConstraints(max_length=253), AfterValidator(_label_name)],
            Annotated[str, StringConstraints(pattern=LABEL_VALUE_PATTERN, max_length=63)],
        ],
        Field(max_length=32),
    ] = {}
    """Their labels, beside `videojob.dev/hook` with the name of the VideoHook."""


class VideoHookSpec(Model):
    """Whose deliveries are taken, which of them count, and what is made of those."""

    description: Text = ""
    """What it is for, for people."""
    suspend: bool = False
    """Take nothing until false: senders are told that there is no such hook."""
    verification: Verification
    """How it is known who sends."""
    filters: HookFilters = HookFilters()
    """Which deliveries make a VideoJob. Default: all."""
    job: HookedJob
    """The VideoJobs that are made."""


class VideoHook(Model):
    """VideoJobs that are made for deliveries of another program's webhook, at `/api/v1/hooks/NAME` of the gateway."""

    api_version: Literal["videojob.dev/v1alpha1"] = "videojob.dev/v1alpha1"
    kind: Literal["VideoHook"] = "VideoHook"
    metadata: dict[str, Any] = {}
    """Kubernetes' own."""
    spec: VideoHookSpec
    """Whose deliveries are taken, which of them count, and what is made of those."""
