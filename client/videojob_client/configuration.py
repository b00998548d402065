"""Where the API server is, how to log in, and which namespace is meant: found as kubectl finds it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from kubernetes.aio import config as kube_config
from kubernetes.aio.client.configuration import Configuration
from yaml import YAMLError

from videojob_client.errors import ConfigurationError

DEFAULT_NAMESPACE = "default"
_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True)
class Access:
    """An API server, and the namespace that is meant where none is given."""

    configuration: Configuration
    namespace: str = DEFAULT_NAMESPACE


async def find_access(kubeconfig: str | os.PathLike[str] | None = None, context: str | None = None) -> Access:
    """Find the API server: a kubeconfig that is given, that of `KUBECONFIG` or `~/.kube/config`, else a pod's own.

    Args:
        kubeconfig: one or more files, parted as `KUBECONFIG` parts them; they must be there.
        context: one of the kubeconfig's contexts. Default: the current one.

    Raises:
        ConfigurationError: there is none, or it cannot be used.
    """
    paths = os.fspath(kubeconfig) if kubeconfig is not None else os.environ.get("KUBECONFIG") or "~/.kube/config"
    try:
        if kubeconfig is not None or context is not None or await asyncio.to_thread(_any_exists, paths):
            return await _of_kubeconfig(paths, context)
        if "KUBERNETES_SERVICE_HOST" in os.environ:
            return await asyncio.to_thread(_of_service_account)
    except (kube_config.ConfigException, YAMLError, OSError, ValueError, TypeError, AttributeError) as error:
        # The last two: it is YAML, and no kubeconfig.
        raise ConfigurationError(f"{paths}: {error}") from error
    raise ConfigurationError(f"no API server is configured: there is no {paths}, and this is no pod of a cluster")


async def _of_kubeconfig(paths: str, context: str | None) -> Access:
    if not await asyncio.to_thread(_any_exists, paths):
        raise FileNotFoundError("there is no such kubeconfig")
    configuration = Configuration()
    loader = await kube_config.load_kube_config(  # type: ignore[no-untyped-call]
        config_file=paths, context=context, client_configuration=configuration, persist_config=False
    )

    async def refresh(configuration: Configuration) -> None:
        # A token of a credential plugin lasts minutes; one that the plugin gave no end is kept.
        if hasattr(loader, "exec_plugin_expiry") and await loader.load_from_exec_plugin():
            configuration.api_key["BearerToken"] = loader.token

    configuration.refresh_api_key_hook = refresh  # type: ignore[assignment]  # declared as None alone
    return Access(configuration, loader.current_context["context"].get("namespace") or DEFAULT_NAMESPACE)


def _of_service_account() -> Access:
    configuration = Configuration()
    kube_config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    namespace = os.environ.get("POD_NAMESPACE", "")
    if not namespace and _ACCOUNT_NAMESPACE.exists():
        namespace = _ACCOUNT_NAMESPACE.read_text().strip()
    return Access(configuration, namespace or DEFAULT_NAMESPACE)


def _any_exists(paths: str) -> bool:
    return any(Path(path).expanduser().exists() for path in paths.split(os.pathsep) if path)
