"""What Chromium shows of a picture or a video, where it is installed: a page draws it, and sends the pixels."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Final

import numpy as np

from tests.corpus.oracles import SIZE, Pictures, UnreadableError

_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--mute-audio")
_TIMEOUT_S: Final = 60
_PAGE: Final = """<!doctype html><script>
const [width, height, times] = %s, parts = [];
const canvas = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true});
canvas.imageSmoothingQuality = "high";
function draw(shown) {
  canvas.fillStyle = "black";
  canvas.fillRect(0, 0, width, height);
  canvas.drawImage(shown, 0, 0, width, height);
  parts.push(canvas.getImageData(0, 0, width, height).data);
}
const has = (shown, event) => new Promise((done, failed) => { shown["on" + event] = done; shown.onerror = failed; });
async function look() {
  const url = URL.createObjectURL(await (await fetch("/file")).blob());
  const shown = times.length ? document.createElement("video") : new Image();
  const loaded = has(shown, times.length ? "loadeddata" : "load");
  shown.src = url;
  await loaded;
  if (!times.length) draw(shown);
  for (const time of times) {
    const sought = has(shown, "seeked");
    shown.currentTime = time;
    await sought;
    draw(shown);
  }
}
look().catch(() => parts.splice(0)).then(() => fetch("/seen", {method: "POST", body: new Blob(parts)}));
</script>"""


def find_chromium() -> str | None:
    """Return the path of Chromium, if it is installed."""
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


def pictures_by_chromium(path: Path, times_s: Sequence[float] = ()) -> Pictures:
    """Draw a picture, or what is on screen of a video at some times in seconds.

    Raises:
        UnreadableError: Chromium does not show it, or is not installed.
    """
    program = find_chromium()
    if program is None:
        raise UnreadableError("there is no Chromium")
    page = _PAGE % [*SIZE, list(times_s)]
    with _served(page.encode(), path.read_bytes()) as (address, seen), tempfile.TemporaryDirectory() as profile:
        command = [program, *_OPTIONS, f"--user-data-dir={profile}", address]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, stdout=quiet, stderr=quiet) as running:
            try:
                data = seen.get(timeout=_TIMEOUT_S)
            except Empty as error:
                raise UnreadableError("takes too long") from error
            finally:
                running.kill()
    pictures = np.frombuffer(data, np.uint8).reshape(-1, SIZE[1], SIZE[0], 4)[..., :3]
    if not len(pictures):
        raise UnreadableError("no picture")
    return pictures


@contextmanager
def _served(page: bytes, file: bytes) -> Iterator[tuple[str, "Queue[bytes]"]]:
    """Serve a page and a file on this machine; yields the page's address, and what it sends."""
    seen: Queue[bytes] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"/": page, "/file": file}.get(self.path, b"")
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            if self.path == "/":
                self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            seen.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", seen
        finally:
            server.shutdown()
