"""What goes between supervisor and renderer process: JSON messages, each after its length in four bytes.

Requests go over a socket, because descriptors of the sources travel with them: the renderer opens nothing by
a path that someone else could replace. Answers come through a pipe.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from videojob_contract.assignment import Progress  # noqa: TC001 - fields
from videojob_contract.errors import Reason  # noqa: TC001
from videojob_contract.inspection import Frames, PictureReport, ProbeReport  # noqa: TC001
from videojob_contract.plan_report import Plan, SegmentEntry, SpanEntry  # noqa: TC001 - fields
from videojob_contract.resources.base import Model
from videojob_contract.resources.status import Count, Warnings  # noqa: TC001
from videojob_contract.resources.work import WorkReport  # noqa: TC001
from videojob_worker.render_settings import RenderSettings  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LENGTH = struct.Struct(">I")
MAX_ANSWER = 8 << 20
"""Longest answer in bytes: one that says more is not to be believed."""

_ENTRIES_AN_ANSWER = 250  # of a plan: their reasons are a few hundred bytes each, and at most two thousand
_FDS_A_MESSAGE = 200  # the kernel passes at most 253 with one sendmsg


SEGMENTS_FOLDER: Final = "segments"
"""Where in the scratch folder of a job its segments are, when they are made apart."""


class Work(StrEnum):
    """What a renderer process is asked for."""

    RENDER = "render"
    PLAN = "plan"
    DESCRIBE_SEGMENTS = "describeSegments"
    RENDER_SEGMENT = "renderSegment"
    JOIN_SEGMENTS = "joinSegments"
    PREVIEW = "preview"
    PROBE = "probe"


class Request(Model):
    """Render this, or plan it, or do a part of it. The descriptors of the sources follow in the order of `sources`."""

    settings: RenderSettings
    sources: list[str]
    """URIs."""
    scratch: str
    cpu_s: int
    """Most seconds of processor time that the render may take."""
    work: Work = Work.RENDER
    descriptions: tuple[str, ...] = ()
    """Of the segment to render, or of those to join."""
    frames: Frames | None = None
    """Of a preview."""


class Ready(Model):
    """The engine is loaded."""

    kind: Literal["ready"] = "ready"


class Advanced(Model):
    """The work went on."""

    kind: Literal["advanced"] = "advanced"
    progress: Progress


class Rendered(Model):
    """One output that was made and verified."""

    name: str
    path: str
    """A file in the request's scratch folder."""
    files: tuple[str, ...] = ()
    """Further files that it names and that are published with it, seen from its folder."""
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    duration_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Described(Model):
    """A segment; those after it follow, in order."""

    kind: Literal["described"] = "described"
    description: str


class Done(Model):
    """All that was asked for is made; without outputs where none were asked for."""

    kind: Literal["done"] = "done"
    outputs: list[Rendered]
    warnings: Warnings = ()
    work: WorkReport = ()
    peak_bytes: Count = 0
    """Most memory that the process had."""


class Failed(Model):
    """The render failed, and the renderer can say why."""

    kind: Literal["failed"] = "failed"
    reason: Reason
    message: str


class PlannedPart(Model):
    """Some of a plan's spans and segments, in order; the rest of the plan follows."""

    kind: Literal["plannedPart"] = "plannedPart"
    spans: list[SpanEntry]
    segments: list[SegmentEntry]


class Planned(Model):
    """The plan, without the spans and segments that came before."""

    kind: Literal["planned"] = "planned"
    plan: Plan


class Previewed(Model):
    """A preview that was made."""

    kind: Literal["previewed"] = "previewed"
    path: str
    """A file in the request's scratch folder."""
    picture: PictureReport


class Probed(Model):
    """What a source is."""

    kind: Literal["probed"] = "probed"
    report: ProbeReport


AnyAnswer = Ready | Advanced | Described | Done | PlannedPart | Planned | Previewed | Probed | Failed


@cache
def _any_answer() -> TypeAdapter[AnyAnswer]:
    """Return what reads answers, made at the first one: the renderer reads none."""
    return TypeAdapter(Annotated[AnyAnswer, Field(discriminator="kind")])


def encode_message(message: Model) -> bytes:
    """Write a message with its length."""
    body = json.dumps(message.to_dict(), separators=(",", ":")).encode()
    return LENGTH.pack(len(body)) + body


def decode_answer(body: bytes) -> AnyAnswer:
    """Read an answer; raises `ValueError` when it is none."""
    return _any_answer().validate_json(body)


def planned(plan: Plan) -> Iterator[PlannedPart | Planned]:
    """Split a plan into answers, each well below `MAX_ANSWER`."""
    for start in range(0, len(plan.spans), _ENTRIES_AN_ANSWER):
        yield PlannedPart(spans=plan.spans[start : start + _ENTRIES_AN_ANSWER], segments=[])
    for start in range(0, len(plan.segments), _ENTRIES_AN_ANSWER):
        yield PlannedPart(spans=[], segments=plan.segments[start : start + _ENTRIES_AN_ANSWER])
    yield Planned(plan=plan.model_copy(update={"spans": [], "segments": []}))


async def send_request(sock: socket.socket, request: Request, fds: Sequence[int]) -> None:
    """Send a request and the descriptors of its sources through a socket that does not block."""
    await asyncio.get_running_loop().sock_sendall(sock, encode_message(request))
    for start in range(0, len(fds), _FDS_A_MESSAGE):
        some = list(fds[start : start + _FDS_A_MESSAGE])
        # Descriptors need at least a byte to travel with.
        while not _sent(sock, some):  # noqa: ASYNC110 - nothing tells when the renderer has read on
            await asyncio.sleep(0.01)


def _sent(sock: socket.socket, fds: list[int]) -> bool:
    try:
        return bool(socket.send_fds(sock, [b"\0"], fds))
    except BlockingIOError:
        return False


def receive_request(sock: socket.socket) -> tuple[Request, list[int]] | None:
    """Wait for a request and its descriptors; None when the supervisor hung up."""
    header = _receive(sock, LENGTH.size)
    if header is None:
        return None
    body = _receive(sock, *LENGTH.unpack(header))
    if body is None:
        return None
    request = Request.model_validate_json(body)
    fds: list[int] = []
    while len(fds) < len(request.sources):
        data, received, _, _ = socket.recv_fds(sock, 1, _FDS_A_MESSAGE)
        if not data:
            return None
        fds += received
    return request, fds


def _receive(sock: socket.socket, length: int) -> bytes | None:
    data = bytearray()
    while len(data) < length:
        part = sock.recv(length - len(data))
        if not part:
            return None
        data += part
    return bytes(data)
