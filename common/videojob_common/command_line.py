"""The command line of a program that runs for long and is told all by its environment: `--help` and `--version`.

Not for a worker before its first claim; see `settings`.
"""

import argparse
import os
import textwrap
from typing import TypeVar

from pydantic_core import PydanticUndefined

from videojob_common.errors import ConfigError
from videojob_common.settings import PREFIX, EnvironmentSettings
from videojob_contract.version import __version__

_Settings = TypeVar("_Settings", bound=EnvironmentSettings)
_WIDTH = 100


def settings_of_process(program: str, description: str, settings: type[_Settings]) -> _Settings:
    """Return the settings of this process; end it when it was asked for help, or something is wrong.

    Args:
        program: its name.
        description: what it does, in a line.
        settings: which settings it has.

    Raises:
        SystemExit: 0 after help and version, 2 for arguments that there are not, 1 for settings that are wrong.
    """
    parser = argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=variables(settings),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{program} {__version__}")
    parser.parse_args()
    try:
        return settings.from_env(os.environ)
    except ConfigError as error:
        raise SystemExit(f"{program}: {error}") from None


def variables(settings: type[EnvironmentSettings]) -> str:
    """Return every variable of the environment with its default and what it is for."""
    lines = ["It is set up by variables of the environment:", ""]
    for name, field in settings.model_fields.items():
        default = field.default
        if isinstance(default, tuple):
            default = ",".join(default)
        known = "" if default is PydanticUndefined else f"={default}"
        lines.append(f"  {PREFIX}{name.upper()}{known}")
        lines += textwrap.wrap(
            field.description or "", _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False
        )
    return "\n".join(lines)
