"""Read resources from the YAML or JSON that `kubectl apply` takes, and remember where everything stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from videojob_contract.problems import Problem, join_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

VIDEOJOB = "VideoJob"
RENDERPOOL = "RenderPool"
VIDEOSCHEDULE = "VideoSchedule"
VIDEOTEMPLATE = "VideoTemplate"

_GENERATED = "xxxxx"  # in place of five characters that are drawn at random
_LONGEST_NAME = 63  # the API server cuts what is generated to it

_UNQUOTED = '; a template needs quotes: "{{ name }}"'  # without them it is a map whose key is a map


class FileError(Exception):
    """A file that cannot be read as YAML; the message starts with file, line and column."""


@dataclass(frozen=True)
class DocumentPosition:
    """Where something stands in a file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """One resource of a file."""

    file: Path
    resource: Mapping[str, Any]
    _positions: Mapping[str, DocumentPosition] = field(repr=False)

    @property
    def kind(self) -> str:
        """The resource's kind."""
        return str(self.resource["kind"])

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The resource's metadata; empty when it has none."""
        metadata = self.resource.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @property
    def name(self) -> str:
        """The resource's name; of one that says `generateName`, such as the API server may make; else empty."""
        if name := self.metadata.get("name"):
            return str(name)
        start = str(self.metadata.get("generateName") or "")
        return f"{start[: _LONGEST_NAME - len(_GENERATED)]}{_GENERATED}" if start else ""

    @property
    def named_resource(self) -> Mapping[str, Any]:
        """The resource with its name, also where the API server makes it."""
        named = self.name and not self.metadata.get("name")
        return {**self.resource, "metadata": {**self.metadata, "name": self.name}} if named else self.resource

    def locate(self, problem: Problem) -> str:
        """Write a problem with its file, line and column: that of the field, or of what it is missing from."""
        path = problem.path
        while path not in self._positions:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        position = self._positions[path]
        return f"{self.file}:{position.line}:{position.column}: {problem}"


class _Loader(yaml.SafeLoader):
    """Reads as `kubectl` does: times stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_scalar(text: str) -> bool | int | float | str:
    """Read a value as YAML types one that stands alone: `3` is a number, `"3"` and `3s` are text.

    Raises:
        ValueError: it is null.
    """
    loader = _Loader("")
    try:
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            return str(yaml.load(text, _Loader))  # noqa: S506 - a safe loader
        tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        value: bool | int | float | str | None = loader.construct_object(yaml.ScalarNode(tag, text))
    except yaml.YAMLError:
        return text  # such as '"a" or "b"': nobody means YAML by it
    finally:
        loader.dispose()
    if value is None and text:
        raise ValueError(f"{text!r} is no text, number, true or false; put text into quotes of its own")
    return text if value is None else value


def read_documents(file: Path, kinds: Collection[str]) -> list[Document]:
    """Return the resources of these kinds in order; documents of other kinds are passed over.

    Raises:
        FileError: it cannot be read, is not YAML, or gives a field twice.
    """
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    loader = _Loader(text)
    try:
        documents = []
        while loader.check_node() and (node := loader.get_node()) is not None:
            resource = loader.construct_document(node)
            if isinstance(resource, dict) and resource.get("kind") in kinds:
                documents.append(Document(file, resource, dict(_positions(file, node))))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        hint = _UNQUOTED if error.problem == "found unhashable key" else ""
        raise FileError(f"{file}{where}: {error.problem or 'not YAML'}{hint}") from error
    except yaml.YAMLError as error:
        raise FileError(f"{file}: {error}") from error
    except RecursionError as error:  # an anchor may stand within what it names
        raise FileError(f"{file}: is nested too deeply") from error
    finally:
        loader.dispose()
    return documents


def _positions(file: Path, node: yaml.Node, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, DocumentPosition]]:
    """Yield the position of each field: of its name where it has one, of its value in a list."""
    if not path:
        yield "", _position(node)
    match node:
        case yaml.MappingNode():
            seen: set[str] = set()
            for key, value in node.value:
                here = (*path, str(key.value))
                if key.value in seen:
                    position = _position(key)
                    raise FileError(f"{file}:{position.line}:{position.column}: {join_path(here)}: is given twice")
                seen.add(key.value)
                yield join_path(here), _position(key)
                yield from _positions(file, value, here)
        case yaml.SequenceNode():
            for index, value in enumerate(node.value):
                here = (*path, index)
                yield join_path(here), _position(value)
                yield from _positions(file, value, here)


def _position(node: yaml.Node) -> DocumentPosition:
    return DocumentPosition(node.start_mark.line + 1, node.start_mark.column + 1)
