"""`python -m hack.openapi FOLDER`: writes the OpenAPI document that the page is made from, and clients can be.

Beside it, for the page's forms, the names of transitions, which are no enumeration of the schema.
"""

import json
import sys
from pathlib import Path

from videojob_client import Client
from videojob_contract.resources.transitions import OWN_TRANSITIONS, XFADE_TRANSITIONS
from videojob_gateway.app import create_app
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway


def main() -> None:
    """Write both files."""
    folder = Path(sys.argv[1])
    document = create_app(Gateway(Settings(), Client())).openapi()
    (folder / "openapi.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    names = [*OWN_TRANSITIONS, *XFADE_TRANSITIONS]
    (folder / "web" / "src" / "transitions.json").write_text(json.dumps(names, indent=1) + "\n")


if __name__ == "__main__":
    main()
