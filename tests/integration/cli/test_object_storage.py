"""`videojob render` and `plan` of sources in a bucket, with the environment that the provider's own programs have."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.integration.objects.servers import BUCKET, REGION, Server, s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(sys.executable).with_name("videojob")
KEY = "my photos/50%+.png"
JOB = f"""\
apiVersion: videojob.dev/v1alpha1
kind: VideoJob
metadata: {{name: holiday}}
spec:
  canvas: {{width: 160, height: 90, fps: "25"}}
  clips: [{{image: {{uri: "s3://{BUCKET}/my%20photos/50%25%2B.png"}}, duration: 1s}}]
  outputs: [{{name: poster, format: png, uri: "s3://elsewhere/poster.png", object: {{cacheControl: no-store}}}}]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        picture = BytesIO()
        Image.new("RGB", (160, 90), "#008000").save(picture, "PNG")
        server.admin().put(KEY, picture.getvalue())
        yield server


@pytest.fixture
def environment(server: Server, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "authority.pem").write_text(server.authority)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **server.secrets,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": server.url,
        "AWS_CA_BUNDLE": str(tmp_path / "authority.pem"),
    }


def run(tmp_path: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "job.yaml").write_text(JOB)
    command, *options = arguments
    return subprocess.run(
        [PROGRAM, command, tmp_path / "job.yaml", *options],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_sources_are_read_and_outputs_stay_here(tmp_path: Path, environment: dict[str, str]) -> None:
    done = run(tmp_path, environment, "render", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr + done.stdout
    assert Image.open(tmp_path / "out" / "holiday" / "poster.png").convert("RGB").getpixel((80, 45))[1] in {
        127,
        128,
        129,
    }
    assert environment["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr


def test_a_plan_reads_them_too(tmp_path: Path, environment: dict[str, str]) -> None:
    done = run(tmp_path, environment, "plan")
    assert done.returncode == 0, done.stderr
    assert "25 frames" in done.stdout


def test_without_credentials_requests_are_anonymous_and_with_wrong_ones_refused(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    anonymous = {name: value for name, value in environment.items() if name != "AWS_ACCESS_KEY_ID"}
    anonymous.pop("AWS_SECRET_ACCESS_KEY")
    done = run(tmp_path, anonymous, "plan")
    assert done.returncode == 4
    assert "SourceForbidden: spec.clips[0].image.uri: s3://films/my%20photos/50%25%2B.png: " in done.stderr
    wrong = run(tmp_path, environment | {"AWS_SECRET_ACCESS_KEY": "hunter2"}, "plan")
    assert wrong.returncode == 5
    assert "hunter2" not in wrong.stdout + wrong.stderr


def test_a_bundle_of_authorities_that_is_not_there_is_told_of(tmp_path: Path, environment: dict[str, str]) -> None:
    done = run(tmp_path, environment | {"AWS_CA_BUNDLE": "/gone.pem"}, "plan")
    assert done.returncode == 2
    assert "AWS_CA_BUNDLE is not a file that can be read" in done.stderr
