"""Who may see what, and what others may put into names and messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from tests.web.conftest import SPEC, gateway_of, tab_of
from videojob_contract.api_paths import VIDEOJOBS, VIDEOTEMPLATES
from videojob_contract.resources import API_VERSION
from videojob_gateway.auth.api_keys import ApiKey, digest_of, new_key
from videojob_gateway.auth.caller import Role

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser, Page

    from tests.integration.apiserver import ApiServer
    from tests.integration.gateway.conftest import Caller
    from tests.integration.operator.conftest import World
    from tests.web.conftest import Renders, Tab

SCRIPT = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>\'"`${1}'


def keys_of(folder: Path, *users: tuple[str, Role]) -> dict[str, str]:
    """Write entries of API keys, as a Secret of them is mounted; return each user's key."""
    folder.mkdir()
    keys = {}
    for user, role in users:
        keys[user] = new_key(user)
        entry = ApiKey(sha256=digest_of(keys[user]), user=user, role=role)
        (folder / user).write_text(entry.model_dump_json(by_alias=True, exclude_none=True))
    return keys


async def sign_in(page: Page, key: str) -> None:
    await page.get_by_label("API key or token").fill(key)
    await page.get_by_role("button", name="Sign in").click()


async def test_users_see_their_own_alone_and_play_it(  # noqa: PLR0917 - fixtures
    browser: Browser,
    apiserver: ApiServer,
    patient: World,
    volumes: Path,
    renders: Renders,
    built_page: Path,
    tmp_path: Path,
) -> None:
    assert built_page.name
    users = (("ana", Role.SUBMITTER), ("ben", Role.VIEWER))
    keys = await asyncio.to_thread(keys_of, tmp_path / "keys", *users)
    async with (
        gateway_of(apiserver, patient.namespace, volumes, tmp_path / "keys") as call,
        tab_of(browser, call.url) as anas,
        tab_of(browser, call.url) as bens,
    ):
        headers = {"Authorization": f"Bearer {keys['ana']}"}
        made = await call("POST", "jobs", json={"name": "anas", "spec": SPEC}, headers=headers)
        assert made.status == 202
        await patient.create("bens", user="ben")
        renders.go(100, 100)
        page = await anas.open()
        await sign_in(page, "vjk_ana_wrong")
        await expect(page.get_by_role("alert")).to_have_text("there is no such API key")
        await sign_in(page, keys["ana"])
        await expect(page.locator(".row")).to_have_count(1)
        await page.get_by_role("link", name="anas").click()
        await expect(page.locator("video")).to_have_js_property("videoWidth", 320)
        cookies = await page.context.cookies(f"{call.url}/api/v1/jobs/{made.json['id']}/outputs/main")
        assert [(each["path"], each["sameSite"]) for each in cookies] == [
            (f"/api/v1/jobs/{made.json['id']}/outputs", "Strict")
        ]
        await anas.open("#/jobs/bens")
        await expect(page.get_by_text("there is no VideoJob 'bens'")).to_be_visible()

        page = await bens.open()
        await sign_in(page, keys["ben"])
        await expect(page.locator(".row")).to_have_count(1)
        await expect(page.get_by_role("link", name="New VideoJob")).to_be_hidden()
        await page.get_by_role("link", name="bens").click()
        await expect(page.get_by_role("button", name="Share")).to_be_visible()
        await expect(page.get_by_role("button", name="Delete")).to_be_hidden()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("API key or token")).to_be_visible()
        await page.reload()
        await expect(page.get_by_label("API key or token")).to_be_visible()


async def test_what_others_wrote_is_text_and_runs_nowhere(tab: Tab, call: Caller, patient: World) -> None:
    spec: dict[str, Any] = {
        "description": SCRIPT,
        "parameters": [{"name": "name", "description": SCRIPT, "default": SCRIPT}],
        "timeline": {"clips": [{"title": {"text": "{{ name }}"}, "duration": "1s"}]},
    }
    body = {"apiVersion": API_VERSION, "kind": "VideoTemplate", "metadata": {"name": "card"}, "spec": spec}
    assert await patient.kubernetes.create(VIDEOTEMPLATES, patient.namespace, body)
    await call.submit("hostile", clips=[{"title": {"text": SCRIPT}, "duration": "1s"}])
    status = {
        "phase": "Failed",
        "message": SCRIPT,
        "worker": SCRIPT,
        "failure": {"reason": "RenderFailed", "message": SCRIPT, "retryable": True, "log": SCRIPT},
        "warnings": [SCRIPT],
        "history": [{"rerun": 0, "phase": "Failed", "reason": SCRIPT[:60], "message": SCRIPT}],
        "outputs": [
            {"name": SCRIPT[:60], "uri": f"volume://media/{SCRIPT}.mp4", "bytes": 1, "sha256": "0" * 64},
            {"name": "evil", "uri": "javascript:window.hacked=1//.jpg", "bytes": 1, "sha256": "0" * 64},
        ],
    }
    await patient.kubernetes.patch(VIDEOJOBS, patient.namespace, "hostile", {"status": status}, subresource="status")
    page = await tab.open()
    await expect(page.locator(".row")).to_contain_text("Failed")
    await tab.open("#/jobs/hostile")
    await expect(page.get_by_role("region", name="Warnings")).to_contain_text(SCRIPT)
    await expect(page.get_by_role("region", name="Why it failed")).to_contain_text(SCRIPT)
    for path in ("#/templates", "#/templates/card", "#/new/hostile", f"#/jobs/{SCRIPT}", f"#/{SCRIPT}"):
        await tab.open(path)
        await page.locator("main *").first.wait_for()
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("img[src=x]").count() == 0
