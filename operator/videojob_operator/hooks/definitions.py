"""Brings the definitions of the resources up to date before an upgrade, because Helm never changes them."""

import asyncio
import logging
import sys
import time

from videojob_contract.api_paths import CUSTOMRESOURCEDEFINITIONS
from videojob_contract.crd.definitions import DEFINITIONS, custom_resource_definition
from videojob_operator import logs
from videojob_operator.act.kubernetes import Kubernetes, load_configuration
from videojob_operator.errors import ApiError

log = logging.getLogger(__name__)

MANAGER = "videojob-operator"
ESTABLISHED_S = 30.0
"""How long a new definition may take until it is served."""
_POLL_S = 0.2


def main() -> None:
    """Apply every definition, and wait until all are served; exit with 1, and the reason, when one is refused."""
    logs.configure("text", "INFO")
    try:
        asyncio.run(_main())
    except (ApiError, TimeoutError) as error:
        sys.exit(f"definitions: {error}")


async def _main() -> None:
    async with Kubernetes(await load_configuration()) as kubernetes:
        await apply_definitions(kubernetes)


async def apply_definitions(kubernetes: Kubernetes) -> None:
    """Apply every definition, and wait until all are served.

    Fields that others have set, such as Helm, are taken over.

    Raises:
        ApiError: one is refused.
        TimeoutError: one is not served within `ESTABLISHED_S`.
    """
    manifests = [custom_resource_definition(each) for each in DEFINITIONS]
    for manifest in manifests:
        name = manifest["metadata"]["name"]
        await kubernetes.apply(CUSTOMRESOURCEDEFINITIONS, "", name, manifest, manager=MANAGER)
        log.info("%s applied", name)
    end = time.monotonic() + ESTABLISHED_S
    for manifest in manifests:
        name = manifest["metadata"]["name"]
        while not await _is_served(kubernetes, name):
            if time.monotonic() > end:
                raise TimeoutError(f"{name} is not served after {ESTABLISHED_S:.0f} s")
            await asyncio.sleep(_POLL_S)


async def _is_served(kubernetes: Kubernetes, name: str) -> bool:
    definition = await kubernetes.get(CUSTOMRESOURCEDEFINITIONS, "", name) or {}
    conditions = definition.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


if __name__ == "__main__":
    main()
