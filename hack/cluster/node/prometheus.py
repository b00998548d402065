"""A Prometheus beside the cluster, which reads the operator of `hack/install` and has the chart's rules."""

import json
import shutil
import urllib.request

from node import config, pki, processes
from node.config import ClusterError
from node.steps import wait_for

ADDRESS = "127.0.0.1:9090"
CONFIG = config.STATE / "prometheus.json"
DATA = config.STATE / "prometheus"
RULES = config.CHECKOUT / "charts" / "videojob-operator" / "files" / "rules.yaml"
METRICS = "/api/v1/namespaces/videojob/services/videojob-operator:metrics/proxy/metrics"
# As the chart has it by default.
_VALUES = {"WAIT_SECONDS": "100", "WAIT_BUDGET": "0.05"}


def start() -> None:
    """Starts it, unless it runs, and waits until it answers; it ends with the cluster."""
    program = shutil.which("prometheus", path=processes.ENVIRONMENT["PATH"])
    if program is None:
        raise ClusterError("prometheus is not installed; run: hack/bootstrap base")
    rules = CONFIG.with_name("rules.yaml")
    text = RULES.read_text()
    for name, value in _VALUES.items():
        text = text.replace(name, value)
    rules.write_text(text)
    CONFIG.write_text(json.dumps(_configuration(str(rules)), indent=2))
    arguments = [f"--config.file={CONFIG}", f"--storage.tsdb.path={DATA}", f"--web.listen-address={ADDRESS}"]
    processes.start("prometheus", [program, *arguments])
    wait_for("prometheus", _answers, timeout_s=30)


def _configuration(rules: str) -> dict[str, object]:
    """Debian's cannot find pods, so it asks the API server for what the operator's Service has."""
    certificate, key = pki.certificate("admin")
    operator = {
        "job_name": "videojob-operator",
        "honor_labels": True,
        "scheme": "https",
        "tls_config": {"ca_file": str(pki.CLUSTER_CA), "cert_file": str(certificate), "key_file": str(key)},
        "metrics_path": METRICS,
        "static_configs": [{"targets": [config.API_SERVER.removeprefix("https://")]}],
    }
    times = {"scrape_interval": "5s", "evaluation_interval": "5s"}
    return {"global": times, "rule_files": [rules], "scrape_configs": [operator]}


def _answers() -> bool:
    processes.check_alive("prometheus")
    try:
        # An empty ProxyHandler: the user's proxy is not for this address.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(f"http://{ADDRESS}/-/ready", timeout=2).close()
    except OSError:
        return False
    return True
