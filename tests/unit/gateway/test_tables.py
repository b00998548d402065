"""Tables, as many VideoJobs."""

import pytest

from videojob_gateway.errors import BadRequestError, InvalidRequestError
from videojob_gateway.tables import CSV, JSON_LINES, job_of_row, table_rows

TYPES = {"title": "string", "seconds": "number", "count": "integer", "loud": "boolean"}


def test_cells_are_of_their_parameters_types():
    table = 'name,title,seconds,count,loud\r\na,"Ana, 7",2.5,3,TRUE\r\n,"two\nlines",x,,no\r\n'
    assert table_rows(table.encode(), CSV, TYPES) == [
        {"name": "a", "title": "Ana, 7", "seconds": 2.5, "count": 3, "loud": True},
        {"title": "two\nlines", "seconds": "x", "loud": "no"},
    ]
    assert table_rows("\ufefftitle\n007\n".encode(), CSV, TYPES) == [{"title": "007"}]


@pytest.mark.parametrize(
    ("column", "cell"), [("count", "1_000"), ("count", "٣"), ("seconds", "nan"), ("seconds", "inf")]
)
def test_what_python_alone_calls_a_number_is_text(column, cell):
    assert table_rows(f"{column}\n{cell}\n".encode(), CSV, TYPES) == [{column: cell}]


def test_lines_of_json_are_rows():
    assert table_rows(b'{"title": "Ana"}\n\n{"count": 3}', JSON_LINES, TYPES) == [{"title": "Ana"}, {"count": 3}]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"a,b\n1\n", CSV),
        (b"a\n1,2\n", CSV),
        (b'a\n"1', CSV),
        (b"a\n\xff\n", CSV),
        (b"[1]", JSON_LINES),
        (b"{", JSON_LINES),
        (b'{"a": "\\ud800"}', JSON_LINES),
        (b"[" * 100_000, JSON_LINES),
        (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", JSON_LINES),
        (b'{"a": NaN}', JSON_LINES),
        (b'{"a": 1e999}', JSON_LINES),
        (b'{"a": 1, "a": 2}', JSON_LINES),
        (b"a,a\n1,2\n", CSV),
        (b"seconds\n1e999\n", CSV),
    ],
)
def test_what_is_no_table_is_refused(body, media_type):
    with pytest.raises(BadRequestError):
        table_rows(body, media_type, TYPES)


@pytest.mark.parametrize("rows", [0, 101])
def test_none_and_too_many_are_refused(rows):
    for body, media_type in ((b"title\n" + b"a\n" * rows, CSV), (b"{}\n" * rows, JSON_LINES)):
        with pytest.raises(InvalidRequestError):
            table_rows(body, media_type, TYPES)


def test_a_row_is_a_videojob_of_the_template():
    assert job_of_row({"name": "a", "title": "Ana"}, "card", {"queue": "high"}) == {
        "name": "a",
        "spec": {"queue": "high", "templateRef": {"name": "card"}, "parameters": {"title": "Ana"}},
    }
    assert "name" not in job_of_row({"title": "Ana"}, "card", {})
