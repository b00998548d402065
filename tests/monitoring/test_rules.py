"""Each alert fires on what it is for and stays silent on what it is not, as Prometheus' own promtool has it."""

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.chart.helm import ROOT, render

POOL = '{namespace="studio", pool="default"}'
WORDS = {"namespace": "studio", "pool": "default"}


def rules() -> dict[str, Any]:
    """The rules that the chart makes, as Prometheus reads them."""
    gateway = {"enabled": True, "kubernetesTokens": True}
    chart = render({"monitoring": {"prometheusRule": {"enabled": True}}, "gateway": gateway})
    return dict(chart.kinds("PrometheusRule")[0]["spec"])


ALERTS = {rule["alert"]: rule for group in rules()["groups"] for rule in group["rules"] if "alert" in rule}


def of_pool(**labels: str) -> str:
    """Labels of a series of the pool."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in {**WORDS, **labels}.items()) + "}"


def waits(slow: str, all_: str) -> dict[str, str]:
    """Claims, and those of them that came in time."""
    return {
        f"videojob_queue_wait_seconds_bucket{of_pool(queue='a', le='100.0')}": slow,
        f"videojob_queue_wait_seconds_count{of_pool(queue='a')}": all_,
    }


def asked(failed: str, all_: str) -> dict[str, str]:
    """Requests to the gateway that failed, and that did not."""
    return {f"videojob_gateway_requests_total{of_gateway(code='502')}": failed} | {
        f"videojob_gateway_requests_total{of_gateway(code='200')}": all_,
        # Of which nothing is the gateway's fault: nobody is idle, the user has enough, it is not ready.
        f"videojob_gateway_requests_total{of_gateway(code='503', route='/api/v1/preview')}": "0+60x100",
        f"videojob_gateway_requests_total{of_gateway(code='507', route='/api/v1/assets')}": "0+60x100",
        f"videojob_gateway_requests_total{of_gateway(code='503', route='/readyz')}": "0+60x100",
    }


def of_gateway(**labels: str) -> str:
    """Labels of a series of the gateway."""
    given = {"namespace": "studio", "route": "/api/v1/jobs", **labels}
    return "{" + ", ".join(f'{name}="{value}"' for name, value in given.items()) + "}"


def of_hook(outcome: str) -> str:
    """Labels of a series of a hook's deliveries."""
    return f'{{namespace="studio", hook="releases", outcome="{outcome}"}}'


def seconds(route: str) -> dict[str, str]:
    """Requests of a route, of which one of fifty takes between two and five seconds."""
    name = "videojob_gateway_request_seconds_bucket"
    return {
        f"{name}{of_gateway(route=route, le='1.0')}": "0+49x100",
        f"{name}{of_gateway(route=route, le='2.0')}": "0+49x100",
        f"{name}{of_gateway(route=route, le='5.0')}": "0+50x100",
        f"{name}{of_gateway(route=route, le='+Inf')}": "0+50x100",
        f"videojob_gateway_requests_total{of_gateway(code='200')}": "0+50x100",
    }


@dataclass(frozen=True)
class Case:
    """Series by minute, in promtool's notation."""

    says: str
    fires: dict[str, str]
    silent: dict[str, str]
    labels: dict[str, str] = field(default_factory=lambda: WORDS)
    at: str = "90m"


STUDIO = {"namespace": "studio"}
FAILED, ALL = of_pool(result="failed", reason="InvalidMedia"), of_pool(result="succeeded", reason="Succeeded")
CASES = {
    "VideoJobBacklogNotDraining": Case(
        "The backlog of pool studio/default is 2h 6m 40s and grows.",
        {f"videojob_backlog_seconds{POOL}": "4000+60x100"},
        {f"videojob_backlog_seconds{POOL}": "9000-30x100"},
    ),
    "VideoJobsWaitTooLong": Case(
        "90% of the VideoJobs of pool studio/default wait longer than 100 s for a worker.",
        waits("0+1x100", "0+10x100"),
        waits("0+95x100", "0+100x100"),
    ),
    "VideoJobsFail": Case(
        "25% of the attempts in pool studio/default fail with InvalidMedia.",
        {f"videojob_attempts_total{FAILED}": "0+1x100", f"videojob_attempts_total{ALL}": "0+3x100"},
        {f"videojob_attempts_total{FAILED}": "0+1x100", f"videojob_attempts_total{ALL}": "0+30x100"},
        WORDS | {"reason": "InvalidMedia"},
    ),
    "VideoJobStorageFails": Case(
        "Storage fails renders of pool studio/default (DiskFull).",
        {f"videojob_attempts_total{of_pool(result='failed', reason='DiskFull')}": "0+1x100"},
        {f"videojob_attempts_total{FAILED}": "0+1x100"},
        WORDS | {"reason": "DiskFull"},
    ),
    "VideoJobStuck": Case(
        "VideoJobs of pool studio/default are Running, and no worker is at work on them.",
        {f"videojob_jobs{of_pool(phase='Running')}": "2x100", f"videojob_workers{of_pool(state='busy')}": "1x100"},
        {f"videojob_jobs{of_pool(phase='Running')}": "2x100", f"videojob_workers{of_pool(state='busy')}": "2x100"},
    ),
    "VideoJobPredictionsOff": Case(
        "Renders of pool studio/default take 4 times what is predicted: ETAs and shares are off.",
        {
            f"videojob_prediction_ratio_bucket{of_pool(le='3.0')}": "0+0x500",
            f"videojob_prediction_ratio_bucket{of_pool(le='5.0')}": "0+1x500",
            f"videojob_prediction_ratio_bucket{of_pool(le='+Inf')}": "0+1x500",
            f"videojob_prediction_ratio_count{POOL}": "0+1x500",
        },
        {
            f"videojob_prediction_ratio_bucket{of_pool(le='0.8')}": "0+0x500",
            f"videojob_prediction_ratio_bucket{of_pool(le='1.25')}": "0+1x500",
            f"videojob_prediction_ratio_bucket{of_pool(le='+Inf')}": "0+1x500",
            f"videojob_prediction_ratio_count{POOL}": "0+1x500",
        },
        at="480m",
    ),
    "VideoJobWebhooksFail": Case(
        "66.67% of the messages to webhooks are not taken.",
        {
            'videojob_webhook_seconds_count{result="failed"}': "0+2x100",
            'videojob_webhook_seconds_count{result="delivered"}': "0+1x100",
        },
        {
            'videojob_webhook_seconds_count{result="failed"}': "0+1x100",
            'videojob_webhook_seconds_count{result="delivered"}': "0+9x100",
        },
        {},
    ),
    "VideoJobWorkersDoNotStart": Case(
        "Workers of pool studio/default do not start.",
        {f"videojob_workers{of_pool(state='starting')}": "2x100", f"videojob_workers{of_pool(state='idle')}": "0x100"},
        {
            f"videojob_workers{of_pool(state='starting')}": "2 0 2 0x100",
            f"videojob_workers{of_pool(state='idle')}": "0x100",
        },
        WORDS | {"state": "starting"},
    ),
    "VideoJobNoCapacity": Case(
        "VideoJobs of pool studio/default have waited for workers for an hour (5 of them now).",
        {f"videojob_waiting{of_pool(reason='PoolAtMaximum')}": "5x100"},
        {f"videojob_waiting{of_pool(reason='PoolAtMaximum')}": "5x50 0x10 5x40"},
    ),
    "VideoJobOperatorDown": Case(
        "No operator of VideoJobs is scraped.",
        {'videojob_operator_info{version="1"}': "1x10"},
        {'videojob_operator_info{version="1"}': "1x100"},
        {},
    ),
    "VideoJobOperatorNotReconciling": Case(
        "The work queue videojobs of the operator stands still.",
        {'videojob_workqueue_oldest_key_seconds{queue="videojobs"}': "0+60x100"},
        {'videojob_workqueue_oldest_key_seconds{queue="videojobs"}': "100x100"},
        {"queue": "videojobs"},
    ),
    "VideoJobWatchIsDead": Case(
        "The operator has heard nothing of videojobs for 1h 30m 0s.",
        {'videojob_watch_age_seconds{resource="videojobs"}': "0+60x100"},
        {'videojob_watch_age_seconds{resource="videojobs"}': "300x100"},
        {"resource": "videojobs"},
    ),
    "VideoJobOperatorFails": Case(
        "A part of the operator, resync, fails again and again.",
        {'videojob_part_failures_total{part="resync"}': "0+1x100"},
        {'videojob_part_failures_total{part="resync"}': "0 1x100"},
        {"part": "resync"},
    ),
    "VideoJobApiThrottled": Case(
        "The API server throttles the operator.",
        {'videojob_api_requests_total{code="429", verb="get", resource="pods"}': "0+60x100"},
        {'videojob_api_requests_total{code="200", verb="get", resource="pods"}': "0+60x100"},
        {},
    ),
    "VideoJobRedisDown": Case(
        "The queues of pool studio/default cannot be reached.",
        {f"videojob_redis_up{POOL}": "0x100"},
        {f"videojob_redis_up{POOL}": "1x100"},
    ),
    "VideoJobRedisFull": Case(
        "Redis is out of memory, and takes no new VideoJobs of pool studio/default.",
        {f"videojob_redis_full{POOL}": "1x100"},
        {f"videojob_redis_full{POOL}": "0x100"},
    ),
    "VideoJobQueueUnreadable": Case(
        "Something in Redis cannot be read (event): someone with the rights of a worker of pool studio/default "
        "may have written it.",
        {f"videojob_queue_unreadable_total{of_pool(kind='event')}": "0x80 1+1x20"},
        {f"videojob_queue_unreadable_total{of_pool(kind='event')}": "7x100"},
        WORDS | {"kind": "event"},
    ),
    "VideoJobGatewayDown": Case(
        "No replica of the gateway answers.",
        {'videojob_gateway_ready{namespace="studio", pod="a"}': "1x50 0x50"},
        {'videojob_gateway_ready{namespace="studio", pod="a"}': "0x100"}
        | {'videojob_gateway_ready{namespace="studio", pod="b"}': "1x100"},
        STUDIO,
    ),
    "VideoJobGatewayFails": Case(
        "10% of the requests to the gateway in studio fail.",
        asked("0+12x100", "0+48x100"),
        asked("0+1x100", "0+48x100"),
        STUDIO,
    ),
    "VideoJobGatewaySlow": Case(
        "One of a hundred requests to the gateway in studio takes longer than 3.5s.",
        seconds("/api/v1/jobs"),
        seconds("/api/v1/jobs/{id}/outputs/{name}"),
        STUDIO,
    ),
    "VideoJobGatewayStandsStill": Case(
        "The gateway in studio cannot follow the VideoJobs, so that its lists and streams stand still.",
        {'videojob_gateway_watch_failures_total{namespace="studio"}': "0+30x100"},
        {'videojob_gateway_watch_failures_total{namespace="studio"}': "0 1 2x100"},
        STUDIO,
    ),
    "VideoJobGatewayStreamsDropped": Case(
        "45 live streams of the gateway in studio were dropped within a quarter of an hour.",
        {'videojob_gateway_streams_dropped_total{namespace="studio"}': "0+3x100"}
        | {'videojob_gateway_streams{namespace="studio"}': "100x100"},
        {'videojob_gateway_streams_dropped_total{namespace="studio"}': "0+3x100"}
        | {'videojob_gateway_streams{namespace="studio"}': "1000x100"},
        STUDIO,
    ),
    "VideoJobGatewayHookFails": Case(
        "60 deliveries to the hook releases in studio made no VideoJob within an hour.",
        {f"videojob_gateway_hook_deliveries_total{of_hook('refused')}": "0+1x100"},
        {f"videojob_gateway_hook_deliveries_total{of_hook('unverified')}": "0+1x100"}
        | {f"videojob_gateway_hook_deliveries_total{of_hook('failed')}": "0 1 2x100"},
        STUDIO | {"hook": "releases"},
    ),
    "VideoJobGatewayNobodyLooks": Case(
        "75% of the previews, plans and probes in studio find no idle worker.",
        {f"videojob_gateway_looks_total{of_gateway(look='plan', outcome='nobody')}": "0+3x100"}
        | {f"videojob_gateway_looks_total{of_gateway(look='plan', outcome='seen')}": "0+1x100"},
        {f"videojob_gateway_looks_total{of_gateway(look='plan', outcome='nobody')}": "0+1x100"}
        | {f"videojob_gateway_looks_total{of_gateway(look='plan', outcome='seen')}": "0+3x100"},
        STUDIO,
    ),
}


@pytest.fixture(scope="module")
def rule_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "rules.json"
    path.write_text(json.dumps(rules()))
    return path


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    assert program, "promtool is not on PATH: hack/bootstrap base"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_gateway_nothing_waits_for_one() -> None:
    chart = render({"monitoring": {"prometheusRule": {"enabled": True}}})
    assert "gateway" not in str(chart.kinds("PrometheusRule")[0]["spec"])


def test_promtool_finds_nothing_wrong(rule_file: Path) -> None:
    promtool("check", "rules", rule_file)


def test_every_alert_has_such_a_test_a_severity_and_a_runbook() -> None:
    assert set(ALERTS) == set(CASES)
    sections = (ROOT / "docs" / "operations.md").read_text()
    for name, alert in ALERTS.items():
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}
        assert alert["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"
        assert f"\n### {name}\n" in sections


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_and_stays_silent(name: str, rule_file: Path, tmp_path: Path) -> None:
    case = CASES[name]
    words = ALERTS[name]["annotations"] | {"summary": case.says}
    fired = [{"exp_labels": ALERTS[name]["labels"] | case.labels, "exp_annotations": words}]
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in given.items()],
            "alert_rule_test": [{"eval_time": case.at, "alertname": name, "exp_alerts": expected}],
        }
        for given, expected in ((case.fires, fired), (case.silent, []))
    ]
    path = tmp_path / "test.json"
    path.write_text(json.dumps({"rule_files": [str(rule_file)], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", path)
