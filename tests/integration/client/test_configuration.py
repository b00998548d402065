"""The API server and the namespace are found as kubectl finds them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.apiserver import ApiServer
from videojob_client import Client, ConfigurationError, NotFoundError, configuration


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    return tmp_path


def kubeconfig(apiserver: ApiServer, path: Path, namespace: str = "", **changes: Any) -> Path:
    """Write a kubeconfig whose current context has a namespace."""
    document = yaml.safe_load(apiserver.kubeconfig.read_text())
    if namespace:
        document["contexts"][0]["context"]["namespace"] = namespace
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(document | changes))
    return path


async def answers(client: Client) -> None:
    with pytest.raises(NotFoundError, match='"nowhere" not found'):
        await client.videojobs.get("nowhere")


async def test_a_kubeconfig_that_is_given_is_used(apiserver: ApiServer, home: Path) -> None:
    async with Client(kubeconfig=kubeconfig(apiserver, home / "films", "films")) as client:
        assert client.namespace == "films"
        await answers(client)


async def test_a_namespace_that_is_given_is_before_that_of_the_context(apiserver: ApiServer, home: Path) -> None:
    async with Client(kubeconfig=kubeconfig(apiserver, home / "films", "films"), namespace="ads") as client:
        assert client.namespace == "ads"


async def test_a_context_without_a_namespace_means_default(apiserver: ApiServer) -> None:
    async with Client(kubeconfig=apiserver.kubeconfig) as client:
        assert client.namespace == "default"


async def test_the_kubeconfig_of_the_environment_is_found_and_then_that_of_the_home(
    apiserver: ApiServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig(apiserver, home / ".kube" / "config", "at-home")
    async with Client() as client:
        assert client.namespace == "at-home"
        await answers(client)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(apiserver, home / "elsewhere", "elsewhere")))
    async with Client() as client:
        assert client.namespace == "elsewhere"


async def test_a_context_is_chosen_by_name(apiserver: ApiServer, home: Path) -> None:
    contexts = [
        {"name": name, "context": {"cluster": "test", "user": "test", "namespace": name}} for name in ("one", "two")
    ]
    path = kubeconfig(apiserver, home / "contexts", contexts=contexts, **{"current-context": "one"})
    async with Client(kubeconfig=path) as client:
        assert client.namespace == "one"
    async with Client(kubeconfig=path, context="two") as client:
        assert client.namespace == "two"
        await answers(client)
    with pytest.raises(ConfigurationError, match="three"):
        await Client(kubeconfig=path, context="three").__aenter__()


async def test_a_token_of_a_plugin_is_asked_for_again_when_it_ends(apiserver: ApiServer, home: Path) -> None:
    token = yaml.safe_load(apiserver.kubeconfig.read_text())["users"][0]["user"]["token"]
    plugin = home / "plugin"
    plugin.write_text(
        "#!/bin/sh\necho x >>" + str(home / "asked") + "\n"
        'echo \'{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",'
        f' "status": {{"token": "{token}", "expirationTimestamp": "2020-01-01T00:00:00Z"}}}}\'\n'
    )
    plugin.chmod(0o755)
    execution = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    users = [{"name": "test", "user": {"exec": execution}}]
    async with Client(kubeconfig=kubeconfig(apiserver, home / "plugged", users=users)) as client:
        asked = len((home / "asked").read_text())
        await answers(client)
    assert len((home / "asked").read_text()) > asked


async def test_a_pod_has_its_service_account(apiserver: ApiServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = yaml.safe_load(apiserver.kubeconfig.read_text())
    server = document["clusters"][0]["cluster"]
    account = home / "account"
    account.mkdir()
    (account / "token").write_text(document["users"][0]["user"]["token"])
    (account / "namespace").write_text("films")
    monkeypatch.setattr(configuration, "_ACCOUNT_NAMESPACE", account / "namespace")
    loader = configuration.kube_config.incluster_config
    monkeypatch.setattr(loader, "SERVICE_TOKEN_FILENAME", str(account / "token"))
    monkeypatch.setattr(loader, "SERVICE_CERT_FILENAME", server["certificate-authority"])
    host, port = server["server"].removeprefix("https://").split(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    async with Client() as client:
        assert client.namespace == "films"
        await answers(client)


@pytest.mark.usefixtures("home")
async def test_without_any_it_says_so() -> None:
    with pytest.raises(ConfigurationError, match="no API server is configured"):
        await Client().__aenter__()


@pytest.mark.parametrize("content", ["[", "just text", "{}", "contexts: []\ncurrent-context: a", None])
async def test_a_kubeconfig_that_cannot_be_used_is_named(home: Path, content: str | None) -> None:
    path = home / "broken"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="broken"):
        await Client(kubeconfig=path).__aenter__()


async def test_a_client_is_used_while_it_is_entered(apiserver: ApiServer) -> None:
    client = Client(kubeconfig=apiserver.kubeconfig)
    with pytest.raises(RuntimeError, match="async with"):
        _ = client.videojobs
    async with client:
        await answers(client)
    with pytest.raises(RuntimeError, match="async with"):
        _ = client.renderpools
