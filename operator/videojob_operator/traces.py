"""Tells a collector what VideoJobs went through; only where one is named."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from videojob_contract.resources.base import read_status
from videojob_contract.resources.status import VideoJobStatus
from videojob_operator.decide.traced import spans_of, trace_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_operator.act.otlp import Sender
    from videojob_operator.decide.types import Observation

log = logging.getLogger(__name__)

_SWITCHES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Traces:
    """The traces of VideoJobs; without a sender there are none."""

    def __init__(self, sender: Sender | None = None) -> None:
        self._sender = sender

    @classmethod
    def from_environment(cls) -> Traces:
        """Return what sends to where `OTEL_EXPORTER_OTLP_ENDPOINT` says, or that for traces; else what does nothing."""
        if not any(os.environ.get(name) for name in _SWITCHES):
            return cls()
        from videojob_operator.act.otlp import Sender  # noqa: PLC0415 - costs time and memory, for who wants traces

        log.info("traces are sent by OTLP")
        return cls(Sender())

    def trace_id(self, raw: Mapping[str, Any]) -> str | None:
        """Return the trace of a VideoJob in hexadecimal; None where none are sent."""
        return trace_of(raw).hex if self._sender is not None else None

    def told(self, observation: Observation, new: VideoJobStatus) -> None:
        """Send what is over with a write of a VideoJob's status."""
        if self._sender is not None:
            old = read_status(VideoJobStatus, observation.raw.get("status"))
            self._sender.send(trace_of(observation.raw), spans_of(observation, old, new))

    async def close(self) -> None:
        """Send what is left, and no more."""
        if self._sender is not None:
            await self._sender.close()
