"""Calls of an application's own routes from within."""

import asyncio

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from videojob_gateway.mcp.own_routes import replied
from videojob_gateway.mcp.tools import Call

app = FastAPI()
left = asyncio.Event()


@app.post("/said/{name}")
async def say(name: str, request: Request) -> Response:
    body = await request.json()
    return JSONResponse(
        [name, request.url.query, request.headers.get("authorization"), "cookie" in request.headers, body]
    )


@app.get("/fails")
async def fail() -> Response:
    raise RuntimeError("it fails")


@app.get("/breaks")
async def break_off() -> Response:
    async def parts():
        yield b"a part"
        raise RuntimeError("it breaks off")

    return StreamingResponse(parts())


@app.get("/endless")
async def stream() -> Response:
    async def parts():
        try:
            while True:
                yield b"again"
                await asyncio.sleep(0)
        finally:
            left.set()

    return StreamingResponse(parts())


def asked() -> Request:
    headers = [(b"authorization", b"Bearer a"), (b"host", b"here"), (b"cookie", b"a=b"), (b"content-length", b"9")]
    return Request({"type": "http", "app": app, "headers": headers})


async def reply_to(call: Call) -> tuple[int, str, bytes]:
    async with replied(asked(), call) as reply:
        return reply.status, reply.media_type, await reply.body()


async def test_a_route_is_asked_as_its_caller():
    status, media_type, body = await reply_to(Call("POST", "/said/a%20b", "c=d", body=b'{"e": 1}'))
    assert (status, media_type) == (200, "application/json")
    assert body == b'["a b","c=d","Bearer a",false,{"e":1}]'


async def test_a_route_that_fails_is_an_answer(caplog):
    status, _, _ = await reply_to(Call("GET", "/fails"))
    assert status == 500
    assert "it fails" in caplog.text


async def test_an_answer_that_breaks_off_ends(caplog):
    assert (await reply_to(Call("GET", "/breaks")))[2] == b"a part"
    assert "it breaks off" in caplog.text


async def test_who_has_enough_of_an_answer_lets_go_of_it():
    async with replied(asked(), Call("GET", "/endless")) as reply:
        assert await reply.parts.get() == b"again"
    await left.wait()
