"""What the tutorials say is done as it stands there, in each language, by a gateway beside a real operator."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import playwright
import pytest
from PIL import Image

from tests.integration.apiserver import ApiServer
from tests.integration.operator.conftest import World, kubernetes, patient, redis_url, world
from tests.web.conftest import Renders, film, gateway_of, renders, volumes
from videojob_contract.api_paths import VIDEOTEMPLATES
from videojob_contract.resources import API_VERSION
from videojob_gateway.auth.api_keys import ApiKey, digest_of, new_key
from videojob_gateway.auth.caller import Role

__all__ = ["film", "kubernetes", "patient", "redis_url", "renders", "volumes", "world"]

DOCS = Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NODE = Path(playwright.__file__).parent / "driver" / "node"
"""Which reads TypeScript as it is."""
RUN = {
    "sh": (["bash", "-euo", "pipefail"], "tutorial.sh"),
    "python": ([sys.executable], "tutorial.py"),
    "ts": ([str(NODE)], "tutorial.mts"),
}
PATIENCE_S = 300


@dataclass
class Reader:
    """Someone who types what a page says, in a folder of their own."""

    folder: Path
    url: str
    key: str

    async def do(self, page: str, language: str) -> str:
        """Do all of a page in one language; return what was printed."""
        blocks = [text for kind, text in BLOCK.findall((DOCS / page).read_text()) if kind == language]
        text = "\n".join(block for block in blocks if not block.startswith("# before\n"))
        command, name = RUN[language]
        script = self.folder / name
        script.write_text(text.replace("https://videos.example.org", self.url).replace("vjk_portal_…", self.key))
        process = await asyncio.create_subprocess_exec(
            *command, name, cwd=self.folder, env=os.environ | {"NO_PROXY": "127.0.0.1"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE_S):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, f"{out.decode()}\n{err.decode()}"
        return out.decode()


@pytest.fixture
async def reader(
    apiserver: ApiServer, patient: World, renders: Renders, volumes: Path, tmp_path: Path
) -> AsyncIterator[Reader]:
    """One with a key, a picture, and a pool whose workers render what comes."""
    keys, folder = tmp_path / "keys", tmp_path / "reader"
    keys.mkdir()
    folder.mkdir()
    key = new_key("portal")
    entry = ApiKey(sha256=digest_of(key), user="ana", role=Role.SUBMITTER)
    (keys / "portal").write_text(entry.model_dump_json(by_alias=True))
    Image.new("RGB", (64, 48), "#c2410c").save(folder / "coffee.png")
    renders.go(*[25, 75, 100] * 20)
    async with gateway_of(apiserver, patient.namespace, volumes, keys) as call:
        yield Reader(folder, call.url, key)


@pytest.mark.parametrize("language", RUN)
async def test_the_tutorial_leads_from_nothing_to_a_video(reader: Reader, film: bytes, language: str) -> None:
    said = await reader.do("http-tutorial.md", language)
    assert (reader.folder / "holiday.mp4").read_bytes() == film
    assert "Succeeded" in said
    assert "spec.clips[0].duration" in said
    assert '"3" is not a duration' in said.replace('\\"', '"')
    assert re.search("coffee", said)


async def test_a_service_of_flask_and_celery_is_moved(reader: Reader, patient: World, film: bytes) -> None:
    timeline = {"clips": [{"title": {"text": "{{ title }}"}, "duration": "1s"}]}
    body = {
        "apiVersion": API_VERSION,
        "kind": "VideoTemplate",
        "metadata": {"name": "card"},
        "spec": {"parameters": [{"name": "title"}], "timeline": timeline},
    }
    await patient.kubernetes.create(VIDEOTEMPLATES, patient.namespace, body)
    said = await reader.do("from-flask-celery.md", "python")
    assert (reader.folder / "film.mp4").read_bytes() == film
    assert "event: job" in said


def test_every_step_is_there_in_each_language() -> None:
    found = [kind for kind, _ in BLOCK.findall((DOCS / "http-tutorial.md").read_text())]
    assert found == list(RUN) * (len(found) // len(RUN))
    assert len(found) > 3 * 7
