from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from videojob_cli.files import VIDEOJOB, FileError, read_documents, read_scalar
from videojob_contract.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
# a comment
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
---
apiVersion: videojob.dev/v1alpha1
kind: VideoJob
metadata: {name: holiday}
spec:
  startAt: 2026-01-01T00:00:00Z
  clips:
    - color: "#000000"
      duration: 1s
    - image: {uri: volume://media/a.jpg}
      duration: 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("spec.clips[1].duration", "15:7"),
        ("spec.clips[1].image.uri", "14:15"),
        ("spec.clips[1]", "14:7"),
        ("spec.clips[1].transition.type", "14:7"),
        ("spec.clips[7].image", "11:3"),
        ("spec.outputs[0].uri", "9:1"),
        ("metadata.namespace", "8:1"),
        ("nothing", "6:1"),
    ],
)
def test_problems_stand_at_their_field_or_at_what_lacks_it(file: Path, path: str, where: str) -> None:
    (document,) = read_documents(file, [VIDEOJOB])
    assert document.locate(Problem(path, "is wrong")) == f"{file}:{where}: {path}: is wrong"


def test_other_kinds_are_passed_over_and_times_stay_text(file: Path) -> None:
    (document,) = read_documents(file, [VIDEOJOB])
    assert document.name == "holiday"
    assert document.resource["spec"]["startAt"] == "2026-01-01T00:00:00Z"


def test_json_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text('{"kind": "VideoJob",\n "metadata": {"name": "a"},\n "spec": {"clips": []}}')
    (document,) = read_documents(path, [VIDEOJOB])
    assert document.locate(Problem("spec.clips", "is empty")) == f"{path}:3:11: spec.clips: is empty"


def test_several_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "jobs.yaml"
    path.write_text("kind: VideoJob\nmetadata: {name: a}\n---\nkind: VideoJob\nmetadata: {name: b}\n---\n")
    assert [document.name for document in read_documents(path, [VIDEOJOB])] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: VideoJob\nspec: {a: 1\n", ":3:1: "),
        ("kind: VideoJob\nspec:\n  a: 1\n  b: 2\n  a: 3\n", ":5:3: spec.a: is given twice"),
        ("kind: VideoJob\nspec: *unknown\n", ":2:7: "),
        ("kind: VideoJob\nspec: !!python/object:os.system {}\n", ":2:7: "),
        ("kind: VideoJob\nspec: &all [*all]\n", ": is nested too deeply"),
    ],
)
def test_what_is_not_yaml_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(FileError) as failure:
        read_documents(path, [VIDEOJOB])
    assert f"{path}{message}" in str(failure.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"gone\.yaml: No such file or directory"):
        read_documents(tmp_path / "gone.yaml", [VIDEOJOB])


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="binary"):
        read_documents(tmp_path / "binary", [VIDEOJOB])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Ana", "Ana"),
        ("3", 3),
        ("0.5", 0.5),
        ("true", True),
        ("3s", "3s"),
        ('"3"', "3"),
        ("", ""),
        ("a: b: c", "a: b: c"),
        ("#203040", "#203040"),
        ("Ana #1", "Ana #1"),
        ("[1]", "[1]"),
        ('"a" or "b"', '"a" or "b"'),
        ("'it''s'", "it's"),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_a_scalar_is_typed_as_in_yaml(text: str, value: object) -> None:
    found = read_scalar(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["null", "~"])
def test_what_is_no_scalar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no text, number, true or false"):
        read_scalar(text)
