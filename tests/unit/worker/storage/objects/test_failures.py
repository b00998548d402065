"""What becomes of words that a server or obstore's client says, whatever they are."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.exceptions import GenericError, PermissionDeniedError, UnauthenticatedError

from videojob_contract.errors import PermanentError, Reason, TransientError, VideoJobError
from videojob_contract.resources.object_stores import ObjectStore
from videojob_worker.storage.objects.failures import Purpose, converted

ENTRY = ObjectStore.model_validate({"name": "store", "provider": "s3", "bucket": "films"})
READING = Purpose("f: s3://films/a", ENTRY, "read", "reading", Reason.SOURCE_NOT_FOUND, Reason.SOURCE_FORBIDDEN)


def told(error: Exception) -> VideoJobError:
    with pytest.raises(VideoJobError) as failure, converted(READING):
        raise error
    return failure.value


@given(st.text(), st.sampled_from([GenericError, PermissionDeniedError, FileNotFoundError, ValueError]))
def test_no_word_of_theirs_is_passed_on(text: str, kind: type[Exception]) -> None:
    word = "an-unlikely-word"
    message = told(kind(f"{text}{word}<Code>{word}</Code>{text}")).message
    assert message.startswith("f: s3://films/a: ")
    assert word not in message


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("InvalidCertificate(\n Expired,\n)", PermanentError, r"does not hold \(Expired\): give it another"),
        ("InvalidCertificate(NotValidForNameContext { expected: a })", PermanentError, "NotValidForName"),
        ("InvalidCertificate(Other(OtherError(CaUsedAsEndEntity)))", PermanentError, "CaUsedAsEndEntity"),
        ("Received redirect without LOCATION", PermanentError, "another region"),
        ("dns error: failed to look up", TransientError, "cannot be resolved"),
        ("Error performing token request: status code: 403", TransientError, "gets no credentials from its cloud"),
        ("non-2xx status code: 429 <Code>Odd</Code>", TransientError, r"fewer requests \(HTTP 429, Odd\)"),
        ("non-2xx status code: 400 <Code>KeyTooLongError</Code>", PermanentError, "refuses it"),
        ("connection closed", TransientError, "the connection fails"),
    ],
)
def test_what_there_is_no_answer_for_is_told_by_its_cause(text: str, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says), converted(READING):
        raise GenericError(text)


def test_classes_stand_for_a_status() -> None:
    assert told(UnauthenticatedError("no")).reason is Reason.STORAGE_UNAVAILABLE
    assert told(PermissionDeniedError("no")).reason is Reason.SOURCE_FORBIDDEN
    assert told(FileNotFoundError("no")).reason is Reason.SOURCE_NOT_FOUND


def test_a_full_disk_is_not_the_servers() -> None:
    full = told(OSError(errno.ENOSPC, "No space left on device"))
    assert (type(full), full.reason) == (TransientError, Reason.DISK_FULL)
