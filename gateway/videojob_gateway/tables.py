"""Tables, as many VideoJobs: rows of CSV or lines of JSON, each with the parameters of one. Pure.

A cell of CSV is text, and is read as its parameter's type; what cannot be stays text, which the template then refuses
in its own words.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, Final

from videojob_contract.problems import Problem
from videojob_contract.resources.videotemplate import ParameterType
from videojob_gateway.documents import finite, read_json
from videojob_gateway.errors import BadRequestError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_JOBS: Final = 100
"""VideoJobs of one request."""
CSV: Final = "text/csv"
JSON_LINES: Final = "application/x-ndjson"
# As people write them: Python also reads 1_000, nan, and digits of other scripts.
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
NAME: Final = "name"
"""The column, or field, that is the name of a VideoJob and no parameter."""
_BOOLEANS: Final = {"true": True, "false": False}


def table_rows(body: bytes, media_type: str, types: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows of a table.

    Args:
        body: the table, in UTF-8.
        media_type: `text/csv`, with the names of columns in its first line, or `application/x-ndjson`.
        types: of the template's parameters, by their names.

    Raises:
        BadRequestError: it is no such table.
        InvalidRequestError: it has no row, or more than 100.
    """
    try:
        text = body.decode("utf-8-sig")
        rows = list(_csv(text, types) if media_type == CSV else _lines(text))
    except (ValueError, RecursionError, csv.Error) as error:
        raise BadRequestError(f"the body is no table: {error}") from error
    return list(bounded(rows))


def bounded(jobs: Sequence[Any]) -> Sequence[Any]:
    """Return what is asked for at once; raises `InvalidRequestError` when that is nothing, or too much."""
    if not 0 < len(jobs) <= MOST_JOBS:
        raise InvalidRequestError([Problem("jobs", f"should be 1 to {MOST_JOBS}, and are {len(jobs)}")])
    return jobs


def job_of_row(row: Mapping[str, Any], template: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the VideoJob that a row asks for, of a template, scheduled as `spec` says."""
    parameters = {name: value for name, value in row.items() if name != NAME}
    job: dict[str, Any] = {"spec": {**spec, "templateRef": {"name": template}, "parameters": parameters}}
    return job | ({NAME: row[NAME]} if row.get(NAME) else {})


def _csv(text: str, types: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    columns = reader.fieldnames or ()
    if len(set(columns)) < len(columns):
        raise ValueError("two columns have the same name")
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"line {reader.line_num} has not as many cells as the first")
        # An empty cell is none: the parameter has its default.
        yield {name: _typed(cell, types.get(name)) for name, cell in row.items() if cell}


def _lines(text: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            row = read_json(line)
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no object")
            yield row


def _typed(cell: str, kind: str | None) -> Any:
    text = cell.strip()
    match kind:
        case ParameterType.INTEGER if _INTEGER.fullmatch(text):
            return int(text)
        case ParameterType.NUMBER if _NUMBER.fullmatch(text):
            return finite(text)
        case ParameterType.BOOLEAN:
            return _BOOLEANS.get(text.lower(), cell)
    return cell
