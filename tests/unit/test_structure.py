"""Imports draw no circles, and a public name means one thing: in all packages that import-linter watches."""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]

Arrows = Mapping[str, set[str]]

PURPOSE = {
    "Canvas": (
        ("videojob_contract.resources.timeline", "videojob_worker.canvas"),
        "as the spec asks for it, and as it is resolved",
    ),
    "RenderPool": (("videojob_contract.resources.renderpool", "videojob_client.resources"), "written, and read"),
    "VideoSchedule": (("videojob_contract.resources.videoschedule", "videojob_client.resources"), "written, and read"),
    "Settings": (
        ("videojob_operator.config", "videojob_worker.config", "videojob_gateway.config"),
        "each program has settings of its own",
    ),
    "VideoHook": (("videojob_contract.resources.videohook", "videojob_client.resources"), "written, and read"),
    "VideoJob": (("videojob_contract.resources.videojob", "videojob_client.resources"), "written, and read"),
    "VideoTemplate": (("videojob_contract.resources.videotemplate", "videojob_client.resources"), "written, and read"),
    "apply": (("videojob_operator.decide",), "each policy is applied alike"),
    "configure": (
        ("videojob_operator.logs", "videojob_worker.logs", "videojob_gateway.logs"),
        "each program has log lines of its own",
    ),
    "describe_segments": (("videojob_worker.engine", "videojob_worker.rendering"), "one thing, from outside in"),
    "exposition": (("videojob_operator.metrics", "videojob_gateway.metrics"), "each program has metrics of its own"),
    "fetch": (("videojob_worker.storage",), "each kind of storage is fetched from alike"),
    "join_segments": (
        ("videojob_worker.engine", "videojob_worker.rendering", "videojob_worker.outputs.segments"),
        "one thing, from outside in",
    ),
    "main": (
        (
            "videojob_contract",
            "videojob_common",
            "videojob_operator",
            "videojob_worker",
            "videojob_cli",
            "videojob_gateway",
        ),
        "where a program starts",
    ),
    "plan": (
        ("videojob_worker.engine", "videojob_worker.rendering", "videojob_cli.main"),
        "one thing, from outside in",
    ),
    "preview": (("videojob_worker.engine", "videojob_worker.rendering"), "one thing, from outside in"),
    "probe": (("videojob_worker.engine", "videojob_worker.rendering"), "one thing, from outside in"),
    "preload": (("videojob_worker.engine", "videojob_worker.rendering"), "one thing, from outside in"),
    "read": (("videojob_worker.text",), "each format of subtitles is read alike"),
    "reference": (
        ("videojob_contract.crd", "videojob_operator.metrics_reference"),
        "each writes a page of the reference",
    ),
    "render": (
        ("videojob_worker.engine", "videojob_worker.rendering", "videojob_cli.main"),
        "one thing, from outside in",
    ),
    "render_segment": (
        ("videojob_worker.engine", "videojob_worker.rendering", "videojob_worker.outputs.segments"),
        "one thing, from outside in",
    ),
    "stage": (("videojob_worker.storage",), "each storage is published to alike"),
}
"""Public names that are defined several times on purpose: in which modules or packages, and why."""

DOUBLES: frozenset[str] = frozenset()
"""Public names that mean two things today. This only shrinks: rename one of the two, and take the name out."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """All imports, those within functions and those for types included."""
    return grimp.build_graph(*PACKAGES, cache_dir=None)


@pytest.mark.parametrize("package", PACKAGES)
def test_files_import_each_other_in_no_circle(graph: grimp.ImportGraph, package: str) -> None:
    circles = _circles(_arrows_of_files(graph, package))
    assert not circles, _told(circles)


@pytest.mark.parametrize("package", PACKAGES)
def test_folders_beside_each_other_import_each_other_in_no_circle(graph: grimp.ImportGraph, package: str) -> None:
    files = _arrows_of_files(graph, package)
    folders = [name for name in files if graph.find_children(name)]
    circles = [
        circle
        for parent in folders
        for circle in _circles(_arrows_of_folders(files, [name for name in folders if _parent(name) == parent]))
    ]
    assert not circles, _told(circles, files)


def test_circles_are_told_by_their_shortest_chains() -> None:
    arrows = {
        "a": {"b"},
        "b": {"c"},
        "c": {"a", "b"},
        "d": {"a", "e"},
        "e": {"f"},
        "f": {"d"},
        "p": {"p.q"},
        "p.q": set(),
    }
    assert _told(_circles(arrows)) == "b -> c -> b\na -> b -> c -> a\nd -> e -> f -> d"
    assert _told([["a", "b"]], {"a.x": {"b"}, "b": {"a.y"}, "a.y": set()}) == (
        "a -> b -> a\n  a.x imports b\n  b imports a.y"
    )


def test_a_package_and_its_own_modules_can_be_a_circle() -> None:
    assert _circles({"p": {"p.q"}, "p.q": {"p"}}) == [["p", "p.q"]]


def test_imports_below_a_folder_are_the_folders() -> None:
    files = {"p.a": {"p.b.x"}, "p.a.y": {"p.c", "p.a"}, "p.b.x": set(), "p.c": {"p.a.y"}}
    assert _arrows_of_folders(files, ["p.a", "p.b"]) == {"p.a": {"p.b"}, "p.b": set()}


def test_a_public_name_means_one_thing() -> None:
    assert [told for name, told in _doubles(_definitions()).items() if name not in DOUBLES] == []


def test_a_name_of_two_meanings_is_told_with_where_it_is_defined() -> None:
    definitions = {
        "Run": ["p.a", "p.b"],
        "read": ["videojob_worker.text.ass", "videojob_worker.text.srt"],
        "Cue": ["p.a"],
    }
    assert _doubles(definitions) == {"Run": "Run: p.a, p.b"}
    assert "read" in _doubles({"read": [*definitions["read"], "p.a"]})


def test_names_that_mean_one_thing_now_are_taken_out() -> None:
    definitions = _definitions()
    assert DOUBLES - _doubles(definitions).keys() == set()
    assert [
        (name, place)
        for name, (places, _) in PURPOSE.items()
        for place in places
        if len(definitions[name]) == 1 or not any(_within(module, place) for module in definitions[name])
    ] == []


def _definitions() -> dict[str, list[str]]:
    """Return the modules that define each public class or function."""
    modules = defaultdict[str, list[str]](list)
    for package in PACKAGES:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        folder = Path(spec.origin).parent
        for file in sorted(folder.rglob("*.py")):
            module = ".".join(file.relative_to(folder.parent).with_suffix("").parts).removesuffix(".__init__")
            for name in _public(ast.parse(file.read_bytes())):
                modules[name].append(module)
    return modules


def _public(module: ast.Module) -> set[str]:
    defined = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in module.body if isinstance(node, defined) and not node.name.startswith("_")}


def _doubles(definitions: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the names that two modules define and not on purpose, each as `Name: module, module`."""
    return {
        name: f"{name}: {', '.join(modules)}"
        for name, modules in sorted(definitions.items())
        if len(modules) > 1 and not all(_on_purpose(name, module) for module in modules)
    }


def _on_purpose(name: str, module: str) -> bool:
    places, _ = PURPOSE.get(name, ((), ""))
    return any(_within(module, place) for place in places)


def _arrows_of_files(graph: grimp.ImportGraph, package: str) -> Arrows:
    modules = sorted({package, *graph.find_descendants(package)})
    return {module: graph.find_modules_directly_imported_by(module) & set(modules) for module in modules}


def _arrows_of_folders(files: Arrows, folders: list[str]) -> Arrows:
    """Return which of the folders import which, by the files in them at any depth."""
    arrows: dict[str, set[str]] = {folder: set() for folder in folders}
    for importer, imported in _between(files, folders):
        arrows[importer].add(imported)
    return arrows


def _between(files: Arrows, folders: list[str]) -> Iterator[tuple[str, str]]:
    for file, imports in files.items():
        for importer in folders:
            if _within(file, importer):
                yield from (
                    (importer, folder)
                    for folder in folders
                    if folder != importer and any(_within(imported, folder) for imported in imports)
                )


def _circles(arrows: Arrows) -> list[list[str]]:
    """Return the shortest circle through each name that is on one, each circle once."""
    circles = {
        frozenset(circle): circle for name in sorted(arrows, reverse=True) if (circle := _shortest(arrows, name))
    }
    return sorted(circles.values(), key=lambda circle: (len(circle), circle))


def _shortest(arrows: Arrows, start: str) -> list[str]:
    """Return the shortest chain from a name until before it comes back to it; empty when it never does."""
    chains = [[start]]
    seen = set[str]()
    for chain in chains:
        for name in sorted(arrows[chain[-1]] - seen):
            if name == start:
                return chain
            seen.add(name)
            chains.append([*chain, name])
    return []


def _told(circles: list[list[str]], files: Arrows | None = None) -> str:
    """Write each circle as `a -> b -> a` on a line; between folders, with a file that imports for each arrow."""
    lines = []
    for circle in circles:
        closed = [*circle, circle[0]]
        lines.append(" -> ".join(closed))
        if files:
            lines += ["  {} imports {}".format(*_example(files, start, end)) for start, end in pairwise(closed)]
    return "\n".join(lines)


def _example(files: Arrows, importer: str, imported: str) -> tuple[str, str]:
    return min(
        (file, name)
        for file, imports in files.items()
        for name in imports
        if _within(file, importer) and _within(name, imported)
    )


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def _within(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")
