"""Bad input ends in a reason that names the file and the field, after one attempt at the most."""

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.specs import short, still


@pytest.mark.parametrize(
    ("name", "spec", "reason", "words"),
    [
        (
            "long-transition",
            short() | {
                "clips": [
                    {"color": "#000000", "duration": "1s"},
                    {"color": "#ffffff", "duration": "1s", "transition": {"type": "crossfade", "duration": "3s"}},
                ]
            },
            "InvalidSpec",
            ["spec.clips[0].duration", "spec.clips[1].duration", "3s"],
        ),
        (
            "unsupported",
            short() | {"parallelism": 2},
            "NotSupported",
            ["spec.parallelism", "not supported yet"],
        ),
        (
            "missing",
            still("volume://media/no-such.jpg"),
            "SourceNotFound",
            ["spec.clips[1].image.uri", "volume://media/no-such.jpg"],
        ),
        (
            "corrupt",
            still("volume://media/corrupt.jpg"),
            "InvalidMedia",
            ["spec.clips[1].image.uri", "volume://media/corrupt.jpg"],
        ),
        (
            "text",
            still("volume://media/text.jpg"),
            "InvalidMedia",
            ["spec.clips[1].image.uri", "volume://media/text.jpg"],
        ),
        (
            "escape",
            still("volume://media/../../etc/passwd"),
            "InvalidSpec",
            ["spec.clips[1].image.uri"],
        ),
        (
            "inside-address",
            still("http://videojob-redis.videojob.svc:6379/a.jpg"),
            "SourceForbidden",
            ["spec.clips[1].image.uri"],
        ),
    ],
)  # fmt: skip
def test_bad_input_fails_with_the_file_and_the_field(cluster: Cluster, name, spec, reason, words) -> None:
    cluster.create(name, spec)
    status = cluster.finish(name)
    assert status["phase"] == "Failed"
    assert status["failure"]["reason"] == reason, status["failure"]
    assert status["failure"]["retryable"] is False
    assert status.get("attempts", 0) <= 1
    for word in words:
        assert word in status["failure"]["message"], status["failure"]
    assert cluster.events(name, status["failure"]["reason"])[-1][0] == "Warning"


def test_a_job_of_a_missing_pool_waits_and_says_so(cluster: Cluster) -> None:
    cluster.create("early", short() | {"pool": "nowhere"})
    status = cluster.wait("early", lambda s: s.get("conditions"))
    assert status["phase"] == "Pending"
    assert "nowhere" in status["message"]
