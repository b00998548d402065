"""The OpenTelemetry collector, on loopback, which writes what it receives into a file."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
START_TIMEOUT_S = 60.0
_CONFIG = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{file: {{path: "{path}", flush_interval: 100ms}}}}
service:
  pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}}}
"""


@dataclass(frozen=True)
class Collector:
    """A running collector."""

    url: str
    received: Path

    def spans(self) -> list[dict[str, Any]]:
        """Return every span received, its attributes and those of its resource as dictionaries."""
        found: list[dict[str, Any]] = []
        text = self.received.read_text() if self.received.exists() else ""
        for line in filter(None, text.splitlines()):
            for of_resource in json.loads(line)["resourceSpans"]:
                resource = _values(of_resource["resource"]["attributes"])
                for of_scope in of_resource["scopeSpans"]:
                    found += [
                        span | {"attributes": _values(span.get("attributes", ())), "resource": resource}
                        for span in of_scope["spans"]
                    ]
        return found


def _values(attributes: Any) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in attributes}


@contextmanager
def collector(folder: Path) -> Iterator[Collector]:
    """Run it, building it when no earlier run has."""
    done = subprocess.run([ROOT / "hack" / "bootstrap", "collector"], check=True, stdout=subprocess.PIPE, text=True)
    port, config, received = free_port(), folder / "collector.yaml", folder / "spans.json"
    config.write_text(_CONFIG.format(port=port, path=received))
    log = (folder / "collector.log").open("w")
    with log:
        program = Path(done.stdout.splitlines()[-1]) / "collector"
        process = subprocess.Popen([program, "--config", f"file:{config}"], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert process.poll() is None, (folder / "collector.log").read_text()[-3000:]
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield Collector(f"http://127.0.0.1:{port}", received)
    finally:
        process.terminate()
        process.wait(30)
