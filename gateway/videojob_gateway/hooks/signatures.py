"""Whether a delivery comes from who it says, by its signature: as its bytes are, before anything is made of them. Pure.

- GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
- Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from videojob_contract.resources.videohook import Hmac, Scheme, SignatureEncoding
from videojob_gateway.errors import UnverifiedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import Headers

    from videojob_contract.resources.videohook import Verification

TOLERANCE_S: Final = 300
"""How far a signed time may be from ours, either way."""
MOST_SIGNATURES: Final = 8
"""Of one delivery that are looked at."""
_GITHUB: Final = Hmac(header="X-Hub-Signature-256", prefix="sha256=", id_header="X-GitHub-Delivery")
_ID: Final = re.compile(r"[!-~]{1,255}")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was sent by who may."""

    id: str
    """By which one that comes again is known: as its sender says, else the digest of its body."""
    body: bytes


def verify(verification: Verification, keys: Sequence[bytes], headers: Headers, body: bytes, now_s: float) -> Delivery:
    """Return a delivery that is signed with one of the keys.

    Raises:
        UnverifiedError: it is not, or at another time; nothing says which.
    """
    if verification.scheme is Scheme.STANDARD_WEBHOOKS:
        return _standard(keys, headers, body, now_s)
    return _by_hmac(verification.hmac or _GITHUB, keys, headers, body, now_s)


def _by_hmac(how: Hmac, keys: Sequence[bytes], headers: Headers, body: bytes, now_s: float) -> Delivery:
    timestamp = "" if how.timestamp_header is None else _timestamp(headers, how.timestamp_header, now_s)
    signed = how.signed.removesuffix("{body}").replace("{timestamp}", timestamp).encode() + body
    given = _only(headers, how.header)
    if not given.startswith(how.prefix):
        raise UnverifiedError
    _check(keys, signed, [_decoded(given.removeprefix(how.prefix), how.encoding)])
    of_sender = headers.getlist(how.id_header) if how.id_header else []
    if len(of_sender) == 1 and _ID.fullmatch(of_sender[0]):
        return Delivery(of_sender[0], body)
    return Delivery(hashlib.sha256(body).hexdigest(), body)


def _standard(keys: Sequence[bytes], headers: Headers, body: bytes, now_s: float) -> Delivery:
    identity = _only(headers, "webhook-id")
    if not _ID.fullmatch(identity):
        raise UnverifiedError
    signed = f"{identity}.{_timestamp(headers, 'webhook-timestamp', now_s)}.".encode() + body
    words = _only(headers, "webhook-signature").split(" ")[:MOST_SIGNATURES]
    _check(keys, signed, [_decoded(word[3:], SignatureEncoding.BASE64) for word in words if word.startswith("v1,")])
    return Delivery(identity, body)


def _check(keys: Sequence[bytes], signed: bytes, signatures: Sequence[bytes]) -> None:
    """Compare every signature with that of every key, whatever the others are: how long it takes says nothing."""
    wanted = [hmac.digest(key, signed, hashlib.sha256) for key in keys]
    if not any([hmac.compare_digest(ours, theirs) for ours in wanted for theirs in signatures]):  # noqa: C419 - all of them
        raise UnverifiedError


def _timestamp(headers: Headers, name: str, now_s: float) -> str:
    given = _only(headers, name)
    if not _SECONDS.fullmatch(given) or abs(int(given) - now_s) > TOLERANCE_S:
        raise UnverifiedError
    return given


def _only(headers: Headers, name: str) -> str:
    """Return a header that is there once: of two, another program may read the other."""
    given = headers.getlist(name)
    if len(given) != 1:
        raise UnverifiedError
    return given[0]


def _decoded(text: str, encoding: SignatureEncoding) -> bytes:
    try:
        if encoding is SignatureEncoding.HEX:
            return binascii.unhexlify(text)
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
