"""Tries what draws text, and prints the fonts: `python -m videojob_worker.text`."""

import sys

from videojob_contract.errors import PermanentError
from videojob_contract.resources.text import Title
from videojob_worker.text.fonts import Fonts
from videojob_worker.text.libass import libass
from videojob_worker.text.title import draw_overlay_title


def main() -> int:
    """Return the exit status."""
    fonts = Fonts({})
    try:
        draw_overlay_title(Title(text="Text"), 1920, 1080, fonts)
        libass()
    except PermanentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{family}\n" for family in fonts.families))
    return 0


if __name__ == "__main__":
    sys.exit(main())
