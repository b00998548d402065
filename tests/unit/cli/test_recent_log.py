import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from videojob_cli.main import main
from videojob_contract.assignment import Result
from videojob_contract.errors import Reason

JOB = """\
apiVersion: videojob.dev/v1alpha1
kind: VideoJob
metadata: {name: m}
spec: {clips: [{color: "#203040", duration: 1s}]}
"""


@pytest.mark.parametrize(("reason", "code", "shown"), [(Reason.WORKER_LOST, 1, True), (Reason.INVALID_MEDIA, 4, False)])
def test_the_log_is_shown_only_where_the_result_cannot_say_why(
    reason: Reason, code: int, *, shown: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def render_all(*_: object) -> list[Result]:
        logging.getLogger("videojob.renderer").info("renderer: %s", "ImportError: no such thing")
        return [Result(uid="1", attempt=1, result="failed", reason=reason, message="it ended")]

    monkeypatch.setattr("videojob_cli.render.render_all", render_all)
    (tmp_path / "m.yaml").write_text(JOB)

    result = CliRunner().invoke(main, ["render", str(tmp_path / "m.yaml"), "--out", str(tmp_path / "out")])

    assert result.exit_code == code
    assert ("ImportError: no such thing" in result.stderr) is shown
