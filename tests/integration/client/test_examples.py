"""The examples in docstrings and in the guide do what they say, on a real API server."""

import ast
import asyncio
import doctest
import importlib
import inspect
import io
import pkgutil
import re
import types
from collections.abc import AsyncIterator
from contextlib import redirect_stdout
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

import videojob_client
from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import SPEC, Cluster
from tests.integration.client.kubelet import Kubelet
from tests.integration.client.player import play

GUIDE = (Path(__file__).parents[3] / "docs" / "client.md").read_text()
BROKEN = {"clips": [{"image": {"uri": "volume://media/missing.jpg"}, "duration": "1s"}]}


def docstrings() -> list[doctest.DocTest]:
    """The examples of every module of the client, one test for each docstring that has some."""
    names = [module.name for module in pkgutil.iter_modules(videojob_client.__path__, "videojob_client.")]
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for name in names for test in finder.find(importlib.import_module(name), name) if test.examples]


@pytest.fixture
async def films(apiserver: ApiServer, cluster: Cluster) -> AsyncIterator[Cluster]:
    """A namespace with the pool `default`, in which VideoJobs come to their end."""
    await cluster.create_pool()
    async with Kubelet(cluster.kubernetes, apiserver.kubeconfig.parent / "certificates") as kubelet:
        player = asyncio.create_task(play(cluster, kubelet))
        yield cluster
        assert not player.done(), player.exception()
        player.cancel()
        await asyncio.gather(player, return_exceptions=True)


async def run(source: str, names: dict[str, Any], mode: str) -> None:
    """Run a program that may await anywhere, as `python -m asyncio` runs it."""
    code = compile(source, "<example>", mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = types.FunctionType(code, names)()
    if inspect.iscoroutine(result):
        await result


@pytest.mark.parametrize("test", docstrings(), ids=lambda test: test.name.removeprefix("videojob_client."))
async def test_an_example_does_what_its_docstring_says(
    test: doctest.DocTest, apiserver: ApiServer, films: Cluster, client: videojob_client.Client
) -> None:
    names = {name: getattr(videojob_client, name) for name in videojob_client.__all__}
    names |= {
        "client": client, "SPEC": SPEC, "BROKEN": BROKEN, "Fraction": Fraction, "KUBECONFIG": apiserver.kubeconfig,
    }  # fmt: skip
    for example in test.examples:
        out = io.StringIO()
        with redirect_stdout(out):
            await run(example.source.replace('"films"', f'"{films.namespace}"'), names, "single")
        assert out.getvalue().replace(films.namespace, "films") == example.want, example.source


@pytest.mark.parametrize("source", re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))
async def test_an_example_of_the_guide_runs(
    source: str, apiserver: ApiServer, films: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = yaml.safe_load(apiserver.kubeconfig.read_text())
    document["contexts"][0]["context"]["namespace"] = films.namespace
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    names: dict[str, Any] = {}
    async with asyncio.timeout(60), videojob_client.Client() as client:
        names["client"] = client
        exec("from videojob_client import *", names)  # noqa: S102 - what the guide's reader has imported
        await run(source, names, "exec")
