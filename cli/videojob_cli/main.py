"""`videojob`: check and render VideoJobs on this machine, from the YAML that `kubectl apply` takes."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click
from click.shell_completion import get_completion_class

from videojob_cli.exits import HELP, Exit, of_reason, of_result
from videojob_cli.files import RENDERPOOL, VIDEOJOB, VIDEOSCHEDULE, VIDEOTEMPLATE, Document, FileError, read_documents
from videojob_cli.options import Parameters, job_options, set_option, volume_option
from videojob_common.recent_log import keep_recent_log
from videojob_contract.errors import VideoJobError
from videojob_contract.problems import SpecError
from videojob_contract.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from videojob_cli.checks import Checked
    from videojob_common.recent_log import RecentLog

PROGRAM = "videojob"
_Checked = TypeVar("_Checked")
_COMPLETE_VARIABLE = "_VIDEOJOB_COMPLETE"

_RENDER_EPILOG = (
    "\b\nExamples:\n"
    "  videojob render holiday.yaml --out out --volume media=./photos\n"
    "  videojob render holiday.yaml -o out -v media=./photos --json | jq .percent\n"
    "  videojob render card.yaml -o out --set name=Ana --set seconds=4\n"
    "  videojob render film.yaml -o out -v media=. --segments 4\n"
    "\b\nExit codes:\n" + "\n".join(f"  {code.value:>3}  {text}" for code, text in HELP.items())
)
_PLAN_EPILOG = (
    "\b\nExamples:\n"
    "  videojob plan holiday.yaml --volume media=./photos\n"
    "  videojob plan holiday.yaml -v media=./photos --explain\n"
    "  videojob plan holiday.yaml -v media=./photos --output json | jq '.spans[] | select(.kind != \"still\")'\n"
    "\b\nExit codes are those of render."
)
_VALIDATE_EPILOG = (
    "\b\nExamples:\n"
    "  videojob validate holiday.yaml\n"
    "  videojob validate manifests/*.yaml\n"
    "  videojob validate card.yaml --set name=Ana\n"
    "  videojob validate holiday.yaml --volume media=./photos\n"
    "\b\nEach problem is a line FILE:LINE:COLUMN: FIELD: MESSAGE. Exit code 0 when there is none, else 3."
)
_COMPLETION_EPILOG = (
    "\b\nExamples:\n"
    "  source <(videojob completion bash)\n"
    "  videojob completion zsh > ~/.zfunc/_videojob\n"
    "  videojob completion fish > ~/.config/fish/completions/videojob.fish"
)

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def main() -> None:
    """Check and render VideoJobs on this machine, from the YAML that `kubectl apply` takes."""


@main.command(epilog=_RENDER_EPILOG)
@click.argument("file", type=_FILE)
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the outputs."
)
@job_options
@click.option(
    "--segments",
    type=click.IntRange(min=1),
    metavar="N",
    help="Make the segments of the timeline apart, in N processes at a time, and join them in another: the same bytes.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON lines, also to a terminal.")
def render(  # noqa: PLR0917 - one parameter for each option
    file: Path,
    out: Path,
    volumes: dict[str, Path],
    parameters: Parameters,
    threads: int | None,
    allow_private_networks: bool,  # noqa: FBT001 - click passes it by name
    hardware: str,
    segments: int | None,
    as_json: bool,  # noqa: FBT001 - the same
) -> None:
    """Render the VideoJobs in FILE here, without a cluster.

    It is the worker's own pipeline. Outputs are written to OUT/JOB/OUTPUT.EXTENSION, whatever URIs the spec gives
    them. Progress is a bar on a terminal, else JSON lines.
    """
    from videojob_cli.render import Options, default_threads, render_all  # noqa: PLC0415 - `--help` answers without it
    from videojob_cli.reporters import reporter_for  # noqa: PLC0415

    checked = _check_jobs(file, volumes, parameters, allow_private_networks=allow_private_networks, hardware=hardware)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"{str(out)!r} cannot be made: {error.strerror}", param_hint="--out") from error
    options = Options(out.resolve(), volumes, threads or default_threads(), segments)
    recent_log = _keep_log()
    results = render_all([(job, reporter_for(job.name, out, as_json=as_json)) for job in checked], options)
    _end(of_result(results[-1]), recent_log)


@main.command(epilog=_PLAN_EPILOG)
@click.argument("file", type=_FILE)
@job_options
@click.option("--all", "every_span", is_flag=True, help="Show every span of a long timeline too.")
@click.option("--explain", is_flag=True, help="Say of every span, sound and output why it is made in this way.")
@click.option(
    "--output", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="A table, or a line of JSON with everything for each VideoJob.",
)  # fmt: skip
def plan(  # noqa: PLR0917 - one parameter for each option
    file: Path,
    volumes: dict[str, Path],
    parameters: Parameters,
    threads: int | None,
    allow_private_networks: bool,  # noqa: FBT001 - click passes it by name
    hardware: str,
    every_span: bool,  # noqa: FBT001 - the same
    explain: bool,  # noqa: FBT001 - the same
    form: str,
) -> None:
    """Show how the VideoJobs in FILE would be rendered.

    Nothing is rendered, and no cluster is needed. Every source is fetched and opened. A plan is spans: frames that
    are made in one way, with their exact counts and predicted cost and memory.
    """
    from videojob_cli.plan import plan_each  # noqa: PLC0415 - as in `render`
    from videojob_cli.plan_table import plan_lines  # noqa: PLC0415
    from videojob_cli.render import Options, default_threads  # noqa: PLC0415

    checked = _check_jobs(file, volumes, parameters, allow_private_networks=allow_private_networks, hardware=hardware)
    recent_log = _keep_log()
    try:
        for job, planned in plan_each(checked, Options(Path.cwd(), volumes, threads or default_threads())):
            if form == "json":
                click.echo(json.dumps({"videojob": job, **planned.to_dict()}, ensure_ascii=False))
            else:
                for line in plan_lines(job, planned, every_span=every_span, explain=explain):
                    click.echo(line)
    except VideoJobError as error:
        click.echo(f"{file}: {error.reason}: {error.message}", err=True)
        _end(of_reason(error.reason), recent_log)


@main.command(epilog=_VALIDATE_EPILOG)
@click.argument("files", nargs=-1, required=True, type=_FILE)
@volume_option
@set_option
def validate(files: tuple[Path, ...], volumes: dict[str, Path], parameters: Parameters) -> None:
    """Check the VideoJobs, VideoTemplates, VideoSchedules and RenderPools in FILES.

    They are checked as the operator would, and no cluster is needed. Whether the pool has the queue, the volumes and
    the object stores that a job names is left to the operator. With --volume, the sources on it have to be there too,
    and what is odd in subtitles is a warning.
    """
    from videojob_cli.checks import (  # noqa: PLC0415 - as in `render`
        check_document,
        check_pool,
        check_schedule,
        check_template,
    )

    def check_job(document: Document) -> None:
        for warning in check_document(document, parameters, volumes=volumes, templates=templates).warnings:
            click.echo(document.locate(warning), err=True)

    checks: dict[str, Callable[[Document], None]] = {
        VIDEOJOB: check_job,
        RENDERPOOL: check_pool,
        VIDEOSCHEDULE: check_schedule,
        VIDEOTEMPLATE: check_template,
    }
    documents = _documents(files, checks)
    templates = _by_name(documents)

    def check_one(document: Document) -> None:
        checks[document.kind](document)
        click.echo(f"{document.file}: {document.kind} {document.name} is valid")

    _keep_log()
    sys.exit(Exit.PERMANENT if _check_all(documents, check_one) is None else Exit.OK)


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(f"{PROGRAM} {__version__}")


@main.command(epilog=_COMPLETION_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that completes commands and options in SHELL."""
    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"{shell} is not known")
    click.echo(script(main, {}, PROGRAM, _COMPLETE_VARIABLE).source())


def _keep_log() -> RecentLog:
    """Keep what the pipeline logs from here on, and show none of it."""
    logging.getLogger("videojob").setLevel(logging.INFO)
    return keep_recent_log()


def _end(code: Exit, recent_log: RecentLog) -> NoReturn:
    """End the program; where only the log says why, with the log."""
    if code is Exit.UNEXPECTED:
        for line in recent_log.lines:
            click.echo(line, err=True)
    sys.exit(code)


def _check_jobs(
    file: Path, volumes: Collection[str], parameters: Parameters, *, allow_private_networks: bool, hardware: str
) -> list[Checked]:
    """Check the VideoJobs of a file that will be opened; ends the program when one cannot be, having said why."""
    from videojob_cli.checks import check_document  # noqa: PLC0415 - `--help` and completion answer without the models
    from videojob_cli.object_stores import environment_problem  # noqa: PLC0415
    from videojob_cli.volumes import read_volumes  # noqa: PLC0415

    def check_one(document: Document) -> Checked:
        return check_document(
            document,
            parameters,
            allow_private_networks=allow_private_networks,
            hardware=hardware,
            templates=templates,
        )

    documents = _documents((file,), [VIDEOJOB])
    templates = _by_name(_read(file, [VIDEOTEMPLATE]))
    checked = _check_all(documents, check_one)
    if checked is None:
        sys.exit(Exit.PERMANENT)
    for name in dict.fromkeys(name for job in checked for name in read_volumes(job.spec)):
        if name not in volumes:
            raise click.UsageError(f"the spec reads volume://{name}/: say where it is with --volume {name}=DIR")
    for job in checked:
        if (problem := environment_problem(job.spec, os.environ)) is not None:
            raise click.UsageError(problem)
    return checked


def _documents(files: Iterable[Path], kinds: Collection[str]) -> list[Document]:
    """Read the resources of these kinds; ends the program when there is none at all, or a file cannot be read."""
    documents: list[Document] = []
    for file in files:
        found = _read(file, kinds)
        if not found:
            click.echo(f"{file}: has no {' or '.join(kinds)}", err=True)
        documents += found
    if not documents:
        sys.exit(Exit.PERMANENT)
    return documents


def _read(file: Path, kinds: Collection[str]) -> list[Document]:
    try:
        return read_documents(file, kinds)
    except FileError as error:
        click.echo(error, err=True)
        sys.exit(Exit.PERMANENT)


def _by_name(documents: Iterable[Document]) -> dict[str, Document]:
    """Return the VideoTemplates among some documents, by name."""
    return {document.name: document for document in documents if document.kind == VIDEOTEMPLATE}


def _check_all(documents: Iterable[Document], check: Callable[[Document], _Checked]) -> list[_Checked] | None:
    """Check all, printing every problem where it stands; None when there was one."""
    checked: list[_Checked] = []
    sound = True
    for document in documents:
        try:
            checked.append(check(document))
        except SpecError as error:
            sound = False
            for problem in error.problems:
                click.echo(document.locate(problem), err=True)
    return checked if sound else None
