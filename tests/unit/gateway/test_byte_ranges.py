"""Parts of a file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojob_gateway.byte_ranges import part_for

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("headers", "status", "start", "end"),
    [
        ({}, 200, 0, 10),
        ({"range": "bytes=0-"}, 206, 0, 10),
        ({"range": "bytes=2-4"}, 206, 2, 5),
        ({"range": "bytes=9-9"}, 206, 9, 10),
        ({"range": "bytes=5-100"}, 206, 5, 10),
        ({"range": "bytes=-3"}, 206, 7, 10),
        ({"range": "bytes=-100"}, 206, 0, 10),
        ({"range": "bytes=10-"}, 416, 0, 0),
        ({"range": "bytes=-0"}, 416, 0, 0),
        ({"range": "bytes=4-2"}, 200, 0, 10),
        ({"range": "bytes=-"}, 200, 0, 10),
        ({"range": "bytes=0-1,3-4"}, 200, 0, 10),
        ({"range": "lines=0-1"}, 200, 0, 10),
        ({"range": "bytes=²-3"}, 200, 0, 10),
        ({"range": "bytes=0-" + "9" * 1000}, 200, 0, 10),
        ({"range": "bytes=0-1", "if-range": ETAG}, 206, 0, 2),
        ({"range": "bytes=0-1", "if-range": '"old"'}, 200, 0, 10),
        ({"range": "bytes=0-1", "if-range": "Wed, 21 Oct 2026 07:28:00 GMT"}, 200, 0, 10),
        ({"if-none-match": ETAG}, 304, 0, 0),
        ({"if-none-match": f'"old", W/{ETAG}'}, 304, 0, 0),
        ({"if-none-match": "*"}, 304, 0, 0),
        ({"if-none-match": '"old"'}, 200, 0, 10),
    ],
)
def test_what_is_asked_for_is_sent(headers, status, start, end):
    part = part_for(headers, size=10, etag=ETAG)
    assert (part.status, part.start, part.end) == (status, start, end)


@given(st.text(alphabet="bytes=0123456789-, ", max_size=30), st.integers(0, 20))
def test_whatever_is_asked_for_is_within_the_file(header, size):
    part = part_for({"range": header}, size=size, etag=ETAG)
    assert 0 <= part.start <= part.end <= size
    assert (part.status == 206) <= (part.start < part.end)


def test_an_empty_file_has_no_part():
    assert part_for({"range": "bytes=0-0"}, size=0, etag=ETAG).status == 416
    assert part_for({}, size=0, etag=ETAG).status == 200
