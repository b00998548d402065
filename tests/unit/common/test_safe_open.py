from __future__ import annotations

import os
from pathlib import Path

import pytest

from videojob_common.safe_open import UnsafePathError, open_file, open_folder, split_volume_uri


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a file in it, and a secret beside it."""
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "file").write_text("content")
    return root


def read(root: Path, *names: str) -> str:
    fd = open_file(root, names)
    with os.fdopen(fd) as file:
        return file.read()


def test_splits_and_decodes() -> None:
    assert split_volume_uri("volume://media/a/b%20c.jpg") == ("media", ("a", "b c.jpg"))


@pytest.mark.parametrize(
    "uri",
    [
        "volume://media",
        "volume://media/",
        "volume://media/../secret",
        "volume://media/a/../../secret",
        "volume://media/%2e%2e/secret",
        "volume://media/a%2f..%2fsecret",
        "volume://media/a//b",
        "volume://media/./a",
        "volume://media/a%00b",
        "volume://media/a?b",
        "volume://media/a#b",
    ],
)
def test_refuses_what_could_lead_out(uri: str) -> None:
    with pytest.raises(UnsafePathError):
        split_volume_uri(uri)


def test_opens_a_file(root: Path) -> None:
    assert read(root, "a", "file") == "content"


def test_refuses_a_link_to_a_file(root: Path) -> None:
    (root / "link").symlink_to(root.parent / "secret")
    with pytest.raises(UnsafePathError, match="link is a symbolic link"):
        read(root, "link")


def test_refuses_a_link_in_the_way_even_within(root: Path) -> None:
    (root / "b").symlink_to(root / "a")
    with pytest.raises(UnsafePathError, match="b is a symbolic link"):
        read(root, "b", "file")


def test_refuses_a_link_that_appears_after_the_look(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "link").symlink_to(root.parent / "secret")
    plain = (root / "a" / "file").stat()
    monkeypatch.setattr("videojob_common.safe_open.os.stat", lambda *_, **__: plain)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        read(root, "link")


def test_refuses_a_pipe_without_waiting_for_its_writer(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(UnsafePathError, match="not a regular file"):
        read(root, "pipe")


def test_refuses_a_folder(root: Path) -> None:
    with pytest.raises(UnsafePathError, match="not a regular file"):
        read(root, "a")


def test_refuses_a_device() -> None:
    with pytest.raises(UnsafePathError, match="not a regular file"):
        open_file(Path("/dev"), ("null",))


def test_makes_folders_only_when_told(root: Path) -> None:
    with pytest.raises(FileNotFoundError), open_folder(root, ("x", "y")):
        pass
    with open_folder(root, ("x", "y"), create=True):
        assert (root / "x" / "y").is_dir()


def test_makes_no_folder_behind_a_link(root: Path) -> None:
    (root / "link").symlink_to(root.parent)
    with pytest.raises(UnsafePathError), open_folder(root, ("link", "made"), create=True):
        pass
    assert not (root.parent / "made").exists()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_leaves_no_descriptor_open(root: Path) -> None:
    before = open_descriptors()
    read(root, "a", "file")
    with pytest.raises(FileNotFoundError):
        read(root, "a", "gone")
    with pytest.raises(UnsafePathError):
        read(root, "a")
    assert open_descriptors() == before
