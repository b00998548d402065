"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from videojob_cli.files import read_scalar

if TYPE_CHECKING:
    from collections.abc import Callable

Parameters = dict[str, bool | int | float | str]
_Command = TypeVar("_Command", bound="Callable[..., Any]")


def _parse_volumes(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    volumes: dict[str, Path] = {}
    for value in values:
        name, separator, folder = value.partition("=")
        if not separator or not name:
            raise click.BadParameter(f"{value!r} is not NAME=DIR")
        if not Path(folder).is_dir():
            raise click.BadParameter(f"{folder!r} is not a folder")
        volumes[name] = Path(folder).resolve()
    return volumes


def _parse_parameters(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> Parameters:
    parameters: Parameters = {}
    for value in values:
        name, separator, text = value.partition("=")
        if not separator or not name:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE")
        try:
            parameters[name] = read_scalar(text)
        except ValueError as error:
            raise click.BadParameter(f"{name}: {error}") from error
    return parameters


set_option = click.option(
    "--set", "parameters", multiple=True, metavar="NAME=VALUE", callback=_parse_parameters,
    help="A parameter for the templates, before those of the spec, typed as in YAML. Can be repeated.",
)  # fmt: skip

volume_option = click.option(
    "-v", "--volume", "volumes", multiple=True, metavar="NAME=DIR", callback=_parse_volumes,
    help="A folder that volume://NAME/ stands for. Can be repeated.",
)  # fmt: skip

_JOB_OPTIONS = (
    volume_option,
    set_option,
    click.option("--threads", type=click.IntRange(min=1), help="Threads to render with. Default: all processors."),
    click.option("--allow-private-networks", is_flag=True, help="Let http(s) sources be in private networks."),
    click.option(
        "--hardware", type=click.Choice(["none", "nvenc", "vaapi"]), default="none", show_default=True,
        help="Encoders to use, as a pool's encoding.hardware.",
    ),
)  # fmt: skip


def job_options(command: _Command) -> _Command:
    """Add the options of all commands that open what a VideoJob names."""
    for option in reversed(_JOB_OPTIONS):
        command = option(command)
    return command
