"""Deliveries are known by their signatures: by the examples and the libraries of those who made the schemes."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from starlette.datastructures import Headers

from videojob_contract.resources.videohook import Verification
from videojob_gateway.errors import UnverifiedError
from videojob_gateway.hooks.signatures import MOST_SIGNATURES, TOLERANCE_S, Delivery, verify

NOW = 1_767_268_805.0
KEY, OTHER = b"0123456789abcdef0123456789abcdef", b"fedcba9876543210fedcba9876543210"
BODY = b'{"action": "published"}'

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
GITHUB_KEY = b"It's a Secret to Everybody"
GITHUB_BODY = b"Hello, World!"
GITHUB_SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

GITHUB = Verification.model_validate({"scheme": "GitHub", "secretKey": "a"})
STANDARD = Verification.model_validate({"scheme": "StandardWebhooks", "secretKey": "a"})


def of_hmac(**fields: Any) -> Verification:
    return Verification.model_validate(
        {"scheme": "HMAC", "secretKey": "a", "hmac": {"header": "X-Signature", **fields}}, by_alias=True
    )


def digest(signed: bytes, key: bytes = KEY) -> bytes:
    return hmac.digest(key, signed, hashlib.sha256)


def standard(body: bytes = BODY, *keys: bytes, sent_s: float = NOW, identity: str = "msg_1") -> dict[str, str]:
    """Headers as the library of the specification makes them, with a signature of each key."""
    at = datetime.fromtimestamp(sent_s, UTC)
    signatures = [Webhook(key).sign(identity, at, body.decode()) for key in keys or (KEY,)]
    return {"Webhook-Id": identity, "Webhook-Timestamp": str(int(sent_s)), "Webhook-Signature": " ".join(signatures)}


def test_githubs_own_example_is_verified() -> None:
    headers = Headers({"X-Hub-Signature-256": GITHUB_SIGNATURE, "X-GitHub-Delivery": "72d3162e"})
    assert verify(GITHUB, [GITHUB_KEY], headers, GITHUB_BODY, NOW) == Delivery("72d3162e", GITHUB_BODY)


def test_what_the_library_of_standard_webhooks_signs_is_verified() -> None:
    assert verify(STANDARD, [KEY], Headers(standard()), BODY, NOW) == Delivery("msg_1", BODY)


def test_while_a_key_is_changed_each_of_both_counts() -> None:
    for sender in ((KEY,), (OTHER,), (OTHER, KEY), (KEY, OTHER)):
        for ours in ([KEY], [KEY, OTHER]):
            if set(sender) & set(ours):
                assert verify(STANDARD, ours, Headers(standard(BODY, *sender)), BODY, NOW).id == "msg_1"
            else:
                with pytest.raises(UnverifiedError):
                    verify(STANDARD, ours, Headers(standard(BODY, *sender)), BODY, NOW)


@pytest.mark.parametrize("seconds", [-TOLERANCE_S - 1, TOLERANCE_S + 1])
def test_what_was_sent_at_another_time_is_refused(seconds: float) -> None:
    with pytest.raises(UnverifiedError):
        verify(STANDARD, [KEY], Headers(standard(sent_s=NOW + seconds)), BODY, NOW)
    inside = seconds - (1 if seconds > 0 else -1)
    assert verify(STANDARD, [KEY], Headers(standard(sent_s=NOW + inside)), BODY, NOW)


@pytest.mark.parametrize(
    ("how", "headers"),
    [
        ({}, {"X-Signature": digest(BODY).hex()}),
        ({"prefix": "sha256="}, {"X-Signature": f"sha256={digest(BODY).hex()}"}),
        ({"encoding": "base64"}, {"X-Signature": base64.b64encode(digest(BODY)).decode()}),
        (  # as Slack signs: https://docs.slack.dev/authentication/verifying-requests-from-slack
            {"prefix": "v0=", "timestampHeader": "X-Time", "signed": "v0:{timestamp}:{body}"},
            {"X-Time": str(int(NOW)), "X-Signature": f"v0={digest(f'v0:{int(NOW)}:'.encode() + BODY).hex()}"},
        ),
    ],
)
def test_an_hmac_is_as_its_hook_says(how: dict[str, str], headers: dict[str, str]) -> None:
    verification = of_hmac(**how)
    found = verify(verification, [OTHER, KEY], Headers(headers), BODY, NOW)
    assert found == Delivery(hashlib.sha256(BODY).hexdigest(), BODY)
    for wrong in ({}, {**headers, "X-Signature": ""}, {**headers, "X-Signature": f"x{headers['X-Signature']}"}):
        with pytest.raises(UnverifiedError):
            verify(verification, [KEY], Headers(wrong), BODY, NOW)
    with pytest.raises(UnverifiedError):
        verify(verification, [KEY], Headers(headers), BODY + b" ", NOW)


def test_one_that_comes_again_is_known_by_its_header_where_there_is_one() -> None:
    signed = {"X-Signature": digest(BODY).hex()}
    by_header = of_hmac(idHeader="X-Id")
    assert verify(by_header, [KEY], Headers(signed | {"X-Id": "one"}), BODY, NOW).id == "one"
    for strange in ({}, {"X-Id": ""}, {"X-Id": "a b"}, {"X-Id": "x" * 256}):
        found = verify(by_header, [KEY], Headers(signed | strange), BODY, NOW)
        assert found.id == hashlib.sha256(BODY).hexdigest()


def test_a_header_that_is_there_twice_is_none() -> None:
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        raw = [(each.lower().encode(), value.encode()) for each, value in standard().items()]
        twice = Headers(raw=[*raw, (name.encode(), dict(raw)[name.encode()])])
        with pytest.raises(UnverifiedError):
            verify(STANDARD, [KEY], twice, BODY, NOW)


def test_of_many_signatures_the_first_are_looked_at() -> None:
    headers = standard()
    wrong = " ".join(["v1,AAAA"] * MOST_SIGNATURES)
    assert verify(
        STANDARD, [KEY], Headers(headers | {"Webhook-Signature": f"v1a,AAAA {headers['Webhook-Signature']}"}), BODY, NOW
    )
    with pytest.raises(UnverifiedError):
        verify(
            STANDARD,
            [KEY],
            Headers(headers | {"Webhook-Signature": f"{wrong} {headers['Webhook-Signature']}"}),
            BODY,
            NOW,
        )


@given(body=st.binary(max_size=200), identity=st.text("abc._-", min_size=1, max_size=20), at=st.integers(0, 2**33))
def test_what_is_signed_is_verified_and_nothing_else_of_it(body: bytes, identity: str, at: int) -> None:
    signed = base64.b64encode(digest(f"{identity}.{at}.".encode() + body)).decode()
    headers = {"webhook-id": identity, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signed}"}
    assert verify(STANDARD, [KEY], Headers(headers), body, at) == Delivery(identity, body)
    for wrong in ({"webhook-id": f"{identity}x"}, {"webhook-timestamp": str(at + 1)}):
        with pytest.raises(UnverifiedError):
            verify(STANDARD, [KEY], Headers(headers | wrong), body, at)
    with pytest.raises(UnverifiedError):
        verify(STANDARD, [KEY], Headers(headers), body + b"x", at)
    with pytest.raises(UnverifiedError):
        verify(STANDARD, [OTHER], Headers(headers), body, at)


_LATIN = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=80)


@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "x-hub-signature-256"]), _LATIN
    )
)
def test_whatever_a_header_has_is_refused_alike(headers: dict[str, str]) -> None:
    for verification in (STANDARD, GITHUB, of_hmac(header="webhook-signature", encoding="base64")):
        with pytest.raises(UnverifiedError):
            verify(verification, [KEY], Headers(headers), BODY, NOW)
