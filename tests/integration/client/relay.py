"""A relay of bytes before the API server that falls silent when told, as a host does that is gone from the network."""

import asyncio
from typing import Self
from urllib.parse import urlsplit

from tests.ports import free_port


class Relay:
    """Hands bytes to the server and back; TLS goes through it untouched."""

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self._port = free_port()
        self._back: set[asyncio.Task[None]] = set()
        self.url = f"https://127.0.0.1:{self._port}"
        self.ended = asyncio.Event()
        """Set once clients have ended every connection that they made."""
        self._open = 0

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_server(self._relay, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.silence()
        self._listening.close()
        await asyncio.gather(*self._back, return_exceptions=True)

    def silence(self) -> None:
        """Hand nothing back any more."""
        for task in self._back:
            task.cancel()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(self._server.hostname, self._server.port)
        self._back.add(asyncio.create_task(_copy(answers, writer)))
        self._open += 1
        try:
            await _copy(reader, requests)
        finally:  # cancelled where the test ends before its client's connections
            self._open -= 1
            if not self._open:
                self.ended.set()
            requests.close()
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
    except ConnectionError:
        pass  # ended without a goodbye
