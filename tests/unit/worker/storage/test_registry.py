from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from videojob_common.address_guard import resolve_by_system
from videojob_contract.assignment import SourceLimits
from videojob_contract.errors import PermanentError, Reason
from videojob_contract.support import OUTPUT_SCHEMES
from videojob_worker.storage import registry
from videojob_worker.storage.base import Destination, FetchContext

if TYPE_CHECKING:
    from pathlib import Path


def test_does_what_the_contract_promises() -> None:
    """What is accepted at admission can be fetched and published, and nothing else."""
    assert set(registry.BACKENDS) == {*OUTPUT_SCHEMES, "http", "https"}
    assert {scheme for scheme, backend in registry.BACKENDS.items() if backend.stage} == set(OUTPUT_SCHEMES)


@pytest.mark.parametrize(
    ("uri", "downloaded"),
    [
        ("volume://media/http", False),
        ("http://host/a", True),
        ("https://host/a", True),
        ("s3://bucket/a", True),
        ("httpx://host/a", False),
    ],
)
def test_knows_which_sources_are_copied(uri: str, *, downloaded: bool) -> None:
    assert registry.is_downloaded(uri) == downloaded


async def test_what_can_only_be_read_is_refused_as_a_destination() -> None:
    destination = Destination("spec.outputs[0].uri", "https://host/a.mp4?secret", "uid", 1, {}, lambda _: None)
    for uri in (destination.uri, "ftp://host/a.mp4"):
        with pytest.raises(PermanentError, match=r"^spec\.outputs\[0\]\.uri: .*:// is not supported yet$") as failure:
            await registry.stage([], replace(destination, uri=uri))
        assert failure.value.reason is Reason.NOT_SUPPORTED
        assert "secret" not in failure.value.message


async def test_an_unknown_scheme_is_refused_as_a_source(tmp_path: Path) -> None:
    context = FetchContext({}, SourceLimits(), tmp_path, resolve_by_system)
    with pytest.raises(PermanentError, match=r"^spec\.clips\[0\]\.image\.uri: ftp:// is not supported yet$"):
        await registry.fetch("spec.clips[0].image.uri", "ftp://host/a.jpg", context)
