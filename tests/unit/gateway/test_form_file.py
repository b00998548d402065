"""The file of a form, however its bytes come."""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojob_gateway.assets.form_file import MOST_AROUND, FormFile
from videojob_gateway.errors import BadRequestError, GatewayError, InvalidRequestError

TYPE = "multipart/form-data; boundary=limit"


def part(content: bytes, disposition: str = 'form-data; name="file"; filename="a.png"', further: bytes = b"") -> bytes:
    return b"--limit\r\nContent-Disposition: " + disposition.encode() + b"\r\n" + further + b"\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--limit--\r\n"


async def read(body: bytes, cuts: list[int] | None = None, content_type: str = TYPE) -> tuple[str, bytes]:
    ends = sorted({*(cut % (len(body) + 1) for cut in cuts or ()), 0, len(body)})

    async def pieces() -> AsyncIterator[bytes]:
        for begin, end in pairwise(ends):
            yield body[begin:end]

    file = FormFile(content_type, pieces())
    return await file.name(), b"".join([piece async for piece in file])


@given(st.binary(max_size=300), st.lists(st.integers(0, 1000), max_size=20))
async def test_it_is_the_same_however_it_is_cut(content: bytes, cuts: list[int]) -> None:
    if b"--limit" not in content:
        assert await read(form(part(content)), cuts) == ("a.png", content)


@given(st.binary(max_size=300), st.lists(st.integers(0, 1000), max_size=5))
async def test_whatever_comes_is_read_or_refused(body: bytes, cuts: list[int]) -> None:
    for each in (body, b"--limit\r\n" + body, part(b"x")[:-2] + body):
        try:
            await read(each, cuts)
        except GatewayError as error:
            assert error.status in {400, 422}  # noqa: PT017 - it may be read, too


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="file"; filename="fête.png"', "fête.png"),
        ("form-data; name=file; filename=a.png", "a.png"),
        ('form-data; name="file"; filename="C:\\dir\\a.png"', "a.png"),
        ('form-data; name="file"; filename="../../a.png"', "../../a.png"),  # which no path is made of
        ('form-data; name="file"; filename=""', ""),
    ],
)
async def test_it_is_called_what_its_sender_calls_it(disposition: str, name: str) -> None:
    assert await read(form(part(b"x", disposition))) == (name, b"x")


@pytest.mark.parametrize(
    "body",
    [
        form(part(b"x"), part(b"y")),
        form(part(b"x", 'form-data; name="title"')),
        form(part(b"x"), part(b"y", 'form-data; name="title"')),
        form(part(b"x", 'attachment; filename="a.png"')),
        b"--limit\r\n\r\nx\r\n--limit--",
    ],
)
async def test_what_is_no_file_alone_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="form: has one file and nothing beside it"):
        await read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        form(),
        b"x" * 100,
        part(b"x"),
        form(part(b"x"))[:-6],
        form(part(b"x", further=b"X: " + b"x" * 20_000 + b"\r\n")),
        form(part(b"x", further=b"X: x\r\n" * 100)),
        b"\r\n" * MOST_AROUND + form(part(b"x")),
        form(part(b"x")) + b"\r\n" * MOST_AROUND,
    ],
)
async def test_what_is_no_form_or_not_whole_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestError):
        await read(body)


@pytest.mark.parametrize("said", ["multipart/form-data", "multipart/form-data; boundary=", f"{TYPE}{'x' * 2000}"])
async def test_a_boundary_that_can_be_none_is_refused(said: str) -> None:
    with pytest.raises(BadRequestError):
        await read(form(part(b"x")), content_type=said)
