"""Encodings of subtitle files: right, or refused with what they may be; never other text than was written."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.worker.text.written import ARTICLES, WRITTEN_IN
from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.text import TextEncoding
from videojob_worker.text.decoding import decode_text
from videojob_worker.text.guessing import codec

HEAD = "1\n00:00:01,000 --> 00:00:02,000\n"
CASES = [(language, encoding) for language, encodings in WRITTEN_IN.items() for encoding in encodings]


@pytest.mark.parametrize(("language", "encoding"), CASES)
@pytest.mark.parametrize("named", [False, True])
def test_older_encodings_are_told_by_their_letters_or_by_the_spec(written, language, encoding, named):
    text = HEAD + ARTICLES[language] + "\n"
    source = written(text.encode(codec(TextEncoding(encoding))))
    assert decode_text(source, TextEncoding(encoding) if named else None) == text
    said = [] if named else ["is not UTF-8, and is read as"]
    assert [part for warning in source.warnings.said for part in said if part in warning] == said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("language", ARTICLES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_unicode_needs_no_word_with_a_mark_or_without(written, encoding, language, line_end):
    text = HEAD + ARTICLES[language] + "\n"
    source = written(text.replace("\n", line_end).encode(encoding))
    assert decode_text(source, None) == text
    assert source.warnings.said == ()


@pytest.mark.parametrize(
    ("text", "encoding", "candidates"),
    [
        ("Moscow (Москва) is a large city in the country of Russia, said the narrator", "cp1251", "windows-1251"),
        ("你好", "gb18030", "gb18030"),
        ("Привет и hello, my friends of the sea and the sun", "cp1251", "windows-1251"),
    ],
)
def test_what_is_not_certain_is_refused_with_what_it_may_be(written, text, encoding, candidates):
    with pytest.raises(PermanentError, match=f"its encoding is not certain: it may be .*{candidates}") as raised:
        decode_text(written((HEAD + text).encode(encoding)), None)
    assert raised.value.reason is Reason.INVALID_MEDIA
    assert "say it in `encoding`, or save it as UTF-8" in str(raised.value)


def test_utf8_with_a_few_damaged_characters_stays_utf8_and_says_where(written):
    data = (HEAD + ARTICLES["Greek"]).encode()
    source = written(data[:60] + data[61:])  # half of a letter is gone
    text = decode_text(source, None)
    assert text.replace("\ufffd", "").startswith(HEAD + "Όλοι")
    assert "has 1 characters that are not utf-8, first in line 3" in source.warnings.said[0]


def test_zeroes_at_the_end_of_a_file_are_told_and_the_rest_is_read(written):
    source = written((HEAD + "Hello\n").encode() + b"\0\0")
    assert decode_text(source, None) == HEAD + "Hello\n\ufffd\ufffd"
    assert "has 2 characters" in source.warnings.said[0]


@pytest.mark.parametrize("data", [b"\x00\x01\x02", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), bytes(1000)])
def test_what_is_no_text_is_refused(written, data):
    with pytest.raises(PermanentError, match=r"is not text|its encoding is not certain"):
        decode_text(written(data), None)


def test_letters_that_are_written_in_parts_are_composed(written):
    assert decode_text(written("e\u0301"), None) == "é"
    vietnamese = written("Ti\u00ea\u0301ng".encode("cp1258"))
    assert decode_text(vietnamese, TextEncoding.WINDOWS_1258) == "Tiếng"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(written, data):
    try:
        decode_text(written(data), None)
    except PermanentError:
        assert data


@pytest.mark.parametrize("encoding", TextEncoding)
def test_every_name_of_an_encoding_is_known(encoding):
    assert "A".encode(codec(encoding)).decode(codec(encoding)) == "A"
