"""`python -m hack.llms FILE`: writes the guide for programs that read, of pages of the documentation."""

import re
import sys
from pathlib import Path

from videojob_gateway.guide import TITLE

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("videojob", "templates", "sources", "http", "hooks", "webhooks", "limits")
HEAD = f"""\
# VideoJob

> {TITLE}. Videos are rendered from a timeline of pictures, videos, titles and
> sound, by `POST /api/v1/jobs` of this host, by the tools of the Model Context Protocol at `/mcp`, or by `kubectl`.
> `/api/v1/openapi.json` has every field.

"""
_PICTURE = re.compile(r"^.*!\[[^\]]*\]\([^)]*\).*\n?", re.MULTILINE)
_OWN_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")
_FENCE = re.compile(r"(```.*?```)", re.DOTALL)


def main() -> None:
    """Write it."""
    pages = [_page((DOCS / f"{name}.md").read_text()) for name in PAGES]
    Path(sys.argv[1]).write_text(HEAD + "\n".join(pages))


def _page(text: str) -> str:
    """Return a page one heading deeper, without pictures, and without links to pages that are not here."""
    return "".join(part if part.startswith("```") else _prose(part) for part in _FENCE.split(text))


def _prose(text: str) -> str:
    return re.sub(r"^#", "##", _OWN_LINK.sub(r"\1", _PICTURE.sub("", text)), flags=re.MULTILINE)


if __name__ == "__main__":
    main()
