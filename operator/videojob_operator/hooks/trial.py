"""Renders a second of video, as `helm test` has it done: `python -m videojob_operator.hooks.trial NAMESPACE POOL`."""

import argparse
import asyncio
import logging
import sys
import time

from videojob_contract.api_paths import VIDEOJOBS
from videojob_contract.resources import API_VERSION
from videojob_contract.resources.status import Phase
from videojob_operator import logs
from videojob_operator.act.kubernetes import Kubernetes, Object, load_configuration
from videojob_operator.errors import ApiError

log = logging.getLogger(__name__)

LONGEST_S = 280.0
"""Shorter than Helm waits, which is five minutes: so the reason is still told."""
_POLL_S = 0.5


class TrialError(Exception):
    """The VideoJob did not succeed."""


def main() -> None:
    """Render it and remove the VideoJob; exit with 1, and the reason, when there is no video."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("namespace", help="the pool's")
    parser.add_argument("pool", help="which pool is to render")
    arguments = parser.parse_args()
    logs.configure("text", "INFO")
    try:
        asyncio.run(_main(arguments.namespace, arguments.pool))
    except (ApiError, TrialError) as error:
        sys.exit(f"trial: {error}")


async def _main(namespace: str, pool: str) -> None:
    async with Kubernetes(await load_configuration()) as kubernetes:
        log.info("the video is %s", await try_pool(kubernetes, namespace, pool))


async def try_pool(kubernetes: Kubernetes, namespace: str, pool: str) -> str:
    """Have a pool render a second of video, and return where it is; the VideoJob is gone afterwards.

    Raises:
        ApiError: the API server refuses the VideoJob.
        TrialError: it failed, or takes longer than `LONGEST_S`.
    """
    name = f"trial-{pool}"[:63].rstrip("-.")
    await kubernetes.delete(VIDEOJOBS, namespace, name)  # of a trial that was cut off
    spec = {"pool": pool, "clips": [{"color": "#203080", "duration": "1s"}]}
    body = {"apiVersion": API_VERSION, "kind": "VideoJob", "metadata": {"name": name}, "spec": spec}
    if await kubernetes.create(VIDEOJOBS, namespace, body) is None:
        raise TrialError(f"there is a VideoJob {name} already: another trial runs")
    try:
        status = await _ended(kubernetes, namespace, name)
    finally:
        await kubernetes.delete(VIDEOJOBS, namespace, name)
    if status["phase"] != Phase.SUCCEEDED:
        raise TrialError(_words(status))
    return str(status["outputs"][0]["uri"])


async def _ended(kubernetes: Kubernetes, namespace: str, name: str) -> Object:
    end = time.monotonic() + LONGEST_S
    told = ""
    while True:
        status: Object = (await kubernetes.get(VIDEOJOBS, namespace, name) or {}).get("status", {})
        words = _words(status)
        if words != told:
            log.info("%s", words)
            told = words
        if status.get("phase") and Phase(status["phase"]).is_final:
            return status
        if time.monotonic() > end:
            raise TrialError(f"not done after {LONGEST_S:.0f} s: {words}")
        await asyncio.sleep(_POLL_S)


def _words(status: Object) -> str:
    """Say where it is, in a line."""
    if not status.get("phase"):
        return "no operator has looked at the VideoJob yet"
    reason = f" ({status['reason']})" if status.get("reason") else ""
    return f"{status['phase']}{reason}: {status.get('message', '')}".rstrip(": ")


if __name__ == "__main__":
    main()
