"""`python -m hack.dashboards CHART DOCS`: write every dashboard, as Grafana imports it, and a table of panels."""

import re
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from hack.dashboards.boards import BOARDS
from hack.dashboards.build import dashboard

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
_TABLE = re.compile(r"(?<=<!-- panels -->\n).*?(?=<!-- /panels -->)", re.DOTALL)


def main() -> None:
    """Write them."""
    chart, docs = Path(sys.argv[1]), Path(sys.argv[2])
    for board in BOARDS:
        text = JSONEncoder(sort_keys=True, indent=2).encode(dashboard(board).build())
        (chart / "dashboards" / f"{board.uid}.json").write_text(text + "\n")
    (docs / PAGE.name).write_text(_TABLE.sub(lambda _: table(), PAGE.read_text()))


def table() -> str:
    """Return what each panel answers."""
    rows = [
        f"| {panel.question} | {board.title.partition(' / ')[2]} | {panel.title} |"
        for board in BOARDS
        for row in board.rows
        for panel in row.panels
    ]
    return "\n".join(["| question | dashboard | panel |", "|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    main()
