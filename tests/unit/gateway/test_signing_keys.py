"""Keys of senders: entries of a folder, as a Secret is mounted."""

import base64
from pathlib import Path

import pytest

from videojob_contract.resources.videohook import Scheme
from videojob_gateway.errors import HookFailsError
from videojob_gateway.hooks.signing_keys import MOST_KEYS, read_keys

STANDARD = "whsec_" + base64.b64encode(b"k" * 24).decode()


def test_a_key_is_a_line_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "github").write_text("It's a Secret to Everybody\n\nanother key of somebody\r\n")
    keys = [b"It's a Secret to Everybody", b"another key of somebody"]
    assert read_keys(tmp_path, "github", Scheme.GITHUB) == keys == read_keys(tmp_path, "github", Scheme.HMAC)


def test_a_key_of_standard_webhooks_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "app").write_text(f"{STANDARD}\n{STANDARD}")
    assert read_keys(tmp_path, "app", Scheme.STANDARD_WEBHOOKS) == [b"k" * 24] * 2


@pytest.mark.parametrize("name", ["none", "..", ".", "..data", "folder"])
def test_an_entry_is_a_file_of_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "..data").write_text("a key that is long enough")
    with pytest.raises(HookFailsError):
        read_keys(tmp_path, name, Scheme.GITHUB)


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("", Scheme.GITHUB),
        ("\n\n", Scheme.HMAC),
        ("short", Scheme.GITHUB),
        ("long enough, but\nshort", Scheme.GITHUB),
        ("a key that is long enough\n" * (MOST_KEYS + 1), Scheme.HMAC),
        ("a key that is long enough", Scheme.STANDARD_WEBHOOKS),
        (STANDARD.removeprefix("whsec_"), Scheme.STANDARD_WEBHOOKS),
        ("whsec_" + base64.b64encode(b"k" * 23).decode(), Scheme.STANDARD_WEBHOOKS),
        ("whsec_" + base64.b64encode(b"k" * 65).decode(), Scheme.STANDARD_WEBHOOKS),
        ("whsec_!", Scheme.STANDARD_WEBHOOKS),
    ],
)
def test_what_is_no_key_is_said_in_the_log_and_never_shown(
    tmp_path: Path, text: str, scheme: Scheme, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "entry").write_text(text)
    with pytest.raises(HookFailsError) as caught:
        read_keys(tmp_path, "entry", scheme)
    said = f"{caught.value} {caplog.text}"
    assert "entry" in caplog.text
    assert not any(line in said for line in text.splitlines() if line)


def test_bytes_that_are_no_text_are_no_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "entry").write_bytes(b"\xff" * 32)
    with pytest.raises(HookFailsError):
        read_keys(tmp_path, "entry", Scheme.GITHUB)
    assert "no text" in caplog.text
