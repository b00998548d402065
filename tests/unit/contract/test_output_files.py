from __future__ import annotations

import pytest

from videojob_contract.output_files import beside, folder_beside, is_companion, is_folder_of, is_left, published_name
from videojob_contract.resources.outputs import Output


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("volume://media/a/film.m3u8", "film.m3u8"),
        ("volume://media/a/b%20c.m3u8", "b c.m3u8"),
        ("volume://media/plain", "plain"),
        (None, "main.m3u8"),
    ],
)
def test_an_output_is_called_as_its_uri_ends(uri: str | None, name: str) -> None:
    assert published_name(Output(name="main", format="hls", uri=uri)) == name


def test_what_is_named_for_a_main_file_is_known_as_its_own() -> None:
    for name in ("film.m3u8", "a.b.m3u8", "plain", "täglich?.m3u8"):
        folder = folder_beside(name, "0123456789abcdef")
        assert is_companion(name, (folder, "720p-00001.m4s"))
        assert is_folder_of(name, folder)
        assert is_companion(name, (beside(name, "vtt"),))


@pytest.mark.parametrize(
    "parts",
    [
        (),
        ("film.m3u8",),
        ("other.vtt",),
        ("film.jpg",),
        ("..", "film.vtt"),
        ("film-0123456789ab",),
        ("film-0123456789ab", ".."),
        ("film-0123456789ab", "notes.txt"),
        ("film-0123456789ab", "a", "b.m4s"),
        ("film-0123456789ab", "a/b.m4s"),
        ("other-0123456789ab", "a.m4s"),
        ("film-summer", "a.m4s"),
        ("film-0123456789ab\n", "a.m4s"),
    ],
)
def test_nothing_else_is(parts: tuple[str, ...]) -> None:
    assert not is_companion("film.m3u8", parts)


def test_only_what_was_published_is_removed() -> None:
    assert is_left("720p-00001.m4s")
    assert is_left(".0123456789abcdef-2.part")
    assert not is_left("notes.txt")
    assert not is_left("..")
