"""Sends spans to a collector, by OTLP over HTTP, as the variables of OpenTelemetry say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags, set_span_in_context

from videojob_contract.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from opentelemetry.context import Context

    from videojob_operator.spans import TraceSpan, VideoJobTrace

FLUSH_S = 3.0
"""How long the last spans may take when the operator ends, in seconds."""


class _Ids(IdGenerator):
    """Identities that are known before."""

    def __init__(self) -> None:
        self.trace = self.span = 1

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        return self.span


class Sender:
    """Sends in the background, some seconds later; what is too much is left out."""

    def __init__(self) -> None:
        self._ids = _Ids()
        # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes before.
        own = Resource({SERVICE_NAME: "videojob-operator", SERVICE_VERSION: __version__})
        said = Resource.create()
        named = {key: value for key, value in said.attributes.items() if not str(value).startswith("unknown_service")}
        self._provider = TracerProvider(
            id_generator=self._ids, resource=own.merge(Resource(named)), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("videojob_operator", __version__)

    def send(self, trace: VideoJobTrace, ended: Iterable[TraceSpan]) -> None:
        """Send spans of one trace."""
        self._ids.trace = trace.id
        for span in ended:
            self._ids.span = span.id
            started = self._tracer.start_span(
                span.name,
                context=_within(trace, span.parent),
                attributes=dict(span.attributes),
                start_time=_ns(span.start),
            )
            if span.error:
                started.set_status(Status(StatusCode.ERROR, span.error))
            started.end(_ns(span.end))

    async def close(self) -> None:
        """Send what is left, and no more."""
        await asyncio.to_thread(self._provider.force_flush, int(FLUSH_S * 1000))
        await asyncio.to_thread(self._provider.shutdown)


def _within(trace: VideoJobTrace, parent: int | None) -> Context | None:
    if parent is None:
        return None
    flags = TraceFlags(TraceFlags.DEFAULT if trace.sampled is False else TraceFlags.SAMPLED)
    return set_span_in_context(NonRecordingSpan(SpanContext(trace.id, parent, is_remote=True, trace_flags=flags)))


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
