"""Documentation names what is there: links, files, folders and make targets."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Backticked words that can only be a file or a folder of this repository.
NAMED = re.compile(r"`([a-z_.][\w./-]*(?:\.(?:py|md|lua|toml|mod|tpl|acl)|/))`")
FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
TARGETS = re.compile(r"\bmake ((?:[a-z]+(?:-[a-z]+)*(?: |\b))+)")


def _tracked() -> list[str]:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [name for name in names if name and (ROOT / name).exists()]


TRACKED = _tracked()
PAGES = [name for name in TRACKED if name.endswith(".md")]
FOLDERS = {f"{folder}/" for name in TRACKED for folder in PurePosixPath(name).parents}


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Path:
    return ROOT / request.param


def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in set(_anchors(target))):
            broken.append(link)
    assert broken == []


def test_named_files_exist(page: Path) -> None:
    ends = {f"/{name}" for name in TRACKED} | {f"/{folder}" for folder in FOLDERS}
    named = NAMED.findall(FENCE.sub("", page.read_text()))
    assert [name for name in named if not name.startswith((".", "~")) and not _ends_one_of(name, ends)] == []


def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = "\n".join(_code(page))
    used = {target for line in TARGETS.findall(code) for target in line.split()}
    assert used <= targets


def test_the_index_of_decisions_is_complete() -> None:
    folder = ROOT / "docs" / "adr"
    listed = re.findall(r"^\| \[\d+\]\((.+)\) \| (.+) \|$", (folder / "README.md").read_text(), re.MULTILINE)
    files = sorted(file for file in folder.glob("*.md") if file.name != "README.md")
    titles = [file.read_text().partition("\n")[0] for file in files]
    assert [(name, f"# {int(name[:4])}. {title}") for name, title in listed] == [
        (file.name, title) for file, title in zip(files, titles, strict=True)
    ]


def _code(page: Path) -> Iterator[str]:
    """Yield what stands between backticks, and the commands of fenced blocks without their comments."""
    text = page.read_text()
    for block in FENCE.finditer(text):
        yield from (line.partition(" #")[0] for line in block.group().splitlines())
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def _ends_one_of(name: str, ends: set[str]) -> bool:
    return any(end.endswith(f"/{name}") for end in ends)


def _anchors(page: Path) -> Iterator[str]:
    """Yield the anchors that GitHub gives to a page's headings."""
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
