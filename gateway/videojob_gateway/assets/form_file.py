"""The file of a form (multipart/form-data, RFC 7578), as browsers and `curl -F` send one, read as it comes."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from videojob_contract.problems import Problem
from videojob_gateway.errors import BadRequestError, InvalidRequestError, TooSlowError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

FORM: Final = "multipart/form-data"
MOST_AROUND: Final = 64 * 1024
"""Bytes of a form that are not of its file."""
BEGIN_S: Final = 60.0
"""How long the file's headers may take to come."""
_CLOSE: Final = {"Connection": "close"}
_ALONE: Final = "has one file and nothing beside it; what else is to be said is in the query"


class FormFile:
    """The one file that a form has."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        """Raises `BadRequestError` when the type names no boundary that there can be."""
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not boundary:
            raise BadRequestError(f"{FORM} has a boundary", headers=_CLOSE)
        self._body = body
        self._around = self._parts = 0
        self._header, self._value, self._disposition = b"", b"", b""
        self._name: str | None = None
        self._data: list[bytes] = []
        self._is_whole = False
        with _of_parser():
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_begin": self._begin_header,
                    "on_header_field": self._add_to_header,
                    "on_header_value": self._add_to_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_end": self._end,
                },
            )

    async def name(self) -> str:
        """Return what the file is called, once that has come.

        Raises:
            BadRequestError: it is no form, or ends before.
            InvalidRequestError: what comes first is no file.
            TooSlowError: it does not come.
        """
        try:
            async with asyncio.timeout(BEGIN_S):
                while self._name is None:
                    if not await self._read():
                        raise BadRequestError("the form has no file", headers=_CLOSE)
        except TimeoutError:
            raise TooSlowError("the body does not come", headers=_CLOSE) from None
        except ClientDisconnect as error:
            raise BadRequestError("the body ended before it was whole", headers=_CLOSE) from error
        return self._name

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes as they come, and see that there is nothing behind it.

        Raises:
            BadRequestError: it is no form, or not whole.
            InvalidRequestError: there is something beside the file.
            ClientDisconnect: it does not come whole.
        """
        while True:
            if self._data:
                data = b"".join(self._data)
                self._data.clear()
                yield data
            if not await self._read():
                return

    async def _read(self) -> bool:
        chunk = await anext(self._body, None)
        if chunk is None:
            if not self._is_whole:
                raise BadRequestError("the form ends before its last boundary", headers=_CLOSE)
            return False
        self._around += len(chunk)
        with _of_parser():
            self._parser.write(chunk)
        if self._around > MOST_AROUND:
            raise BadRequestError(f"a form has at most {MOST_AROUND} bytes around its file", headers=_CLOSE)
        return True

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > 1:
            raise InvalidRequestError([Problem("form", _ALONE)])

    def _begin_header(self) -> None:
        self._header = self._value = b""

    def _add_to_header(self, data: bytes, begin: int, end: int) -> None:
        self._header += data[begin:end]

    def _add_to_value(self, data: bytes, begin: int, end: int) -> None:
        self._value += data[begin:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value

    def _end_headers(self) -> None:
        kind, said = parse_options_header(self._disposition.decode("latin-1"))
        if kind != b"form-data" or b"filename" not in said:
            raise InvalidRequestError([Problem("form", _ALONE)])
        self._name = said[b"filename"].decode(errors="replace")

    def _add_data(self, data: bytes, begin: int, end: int) -> None:
        self._around -= end - begin
        self._data.append(data[begin:end])

    def _end(self) -> None:
        self._is_whole = True


@contextmanager
def _of_parser() -> Iterator[None]:
    try:
        yield
    except FormParserError as error:
        raise BadRequestError(f"the body is no form: {error}", headers=_CLOSE) from error
