"""The dashboard of the gateway: whether it answers, how soon, and what goes through it."""

from hack.dashboards.build import Board, Kind, Panel, Query, Row, Variable

_HERE = 'namespace=~"$namespace"'
_RATE = "[$__rate_interval]"
_QUIET = 'route!~"/healthz|/readyz|/metrics"'
_SECONDS = f"videojob_gateway_request_seconds_bucket{{{_HERE}, {_QUIET}}}"
_SLOW = 'route!~"/mcp|/api/v1/(probe|plan|preview|jobs/batch|assets.*|jobs/{id}/outputs/.+)"'
_POD = 'container="gateway", namespace=~"$namespace"'


def _rate(metric: str, by: str = "", more: str = "") -> str:
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{_HERE}{more}}}{_RATE}))"


def _quantile(share: float, more: str = "") -> str:
    seconds = f"videojob_gateway_request_seconds_bucket{{{_HERE}, {_QUIET}, {_SLOW}{more}}}"
    return f"histogram_quantile({share}, sum by (le) (rate({seconds}{_RATE})))"


GATEWAY = Board(
    "videojob-gateway",
    "VideoJob / Gateway",
    "Whether the gateway answers, how soon, and what goes through it.",
    (
        Row(
            "Now",
            (
                Panel("Replicas that answer", "Does it answer?", (Query(f"sum(videojob_gateway_ready{{{_HERE}}})"),),
                      kind=Kind.NUMBER, width=4),
                Panel("Requests", "How much is asked of it?",
                      (Query(_rate("videojob_gateway_requests_total", more=f", {_QUIET}")),), unit="reqps",
                      kind=Kind.NUMBER, width=5),
                Panel("Failures of its own", "Does it fail?",
                      (Query("max(videojob_gateway:requests_failed:ratio_rate5m) or vector(0)"),), unit="percentunit",
                      kind=Kind.NUMBER, width=5, bad_above=0.05),
                Panel("Slowest of a hundred", "Does it answer soon?",
                      (Query("max(videojob_gateway:request_seconds:p99_rate5m)"),), unit="s", kind=Kind.NUMBER,
                      width=5, bad_above=1),
                Panel("Live clients", "How many follow VideoJobs?",
                      (Query(f"sum(videojob_gateway_streams{{{_HERE}}})"),), kind=Kind.NUMBER, width=5),
            ),
        ),
        Row(
            "Requests",
            (
                Panel("Answers by code", "What is refused, and what fails?",
                      (Query(_rate("videojob_gateway_requests_total", "code", f", {_QUIET}"), "{{code}}"),),
                      unit="reqps", kind=Kind.STACK),
                Panel("Requests by route", "What is it asked for?",
                      (Query(_rate("videojob_gateway_requests_total", "method, route", f", {_QUIET}"),
                             "{{method}} {{route}}"),), unit="reqps", kind=Kind.STACK),
                Panel("Failures by route", "Which requests fail?",
                      (Query(_rate("videojob_gateway_requests_total", "route, code", ', code=~"5.."'),
                             "{{route}} {{code}}"),), unit="reqps"),
                Panel("Time of requests", "How long do requests take?",
                      (Query(f"sum by (le) (increase({_SECONDS}{_RATE}))", "{{le}}"),), unit="s", kind=Kind.HEAT),
                Panel("Time, quantiles", "Has it become slower?",
                      (Query(_quantile(0.5), "median"), Query(_quantile(0.99), "99 %")), unit="s"),
                Panel("Time by route, 95 %", "Which route is slow?",
                      (Query(f"histogram_quantile(0.95, sum by (le, method, route) (rate({_SECONDS}{_RATE})))",
                             "{{method}} {{route}}"),), unit="s"),
            ),
        ),
        Row(
            "Live",
            (
                Panel("Live clients by replica", "Are live clients spread over the replicas?",
                      (Query(f"sum by (pod) (videojob_gateway_streams{{{_HERE}}})", "{{pod}}"),), kind=Kind.STACK),
                Panel("Live clients that were dropped", "Are clients, or what is before them, too slow?",
                      (Query(_rate("videojob_gateway_streams_dropped_total"), "dropped"),), unit="reqps"),
                Panel("VideoJobs that are known", "Do all replicas know the same?",
                      (Query(f"max by (pod) (videojob_gateway_jobs{{{_HERE}}})", "{{pod}}"),)),
                Panel("Watch", "Do lists and streams stand still?",
                      (Query(_rate("videojob_gateway_watch_failures_total"), "failures"),), unit="reqps"),
            ),
        ),
        Row(
            "Media and looks",
            (
                Panel("Media", "How many bytes come and go?",
                      (Query(_rate("videojob_gateway_received_bytes_total"), "brought"),
                       Query(_rate("videojob_gateway_sent_bytes_total"), "fetched")), unit="Bps"),
                Panel("Looks", "What is asked of workers before anything is queued?",
                      (Query(_rate("videojob_gateway_looks_total", "look"), "{{look}}"),), unit="reqps",
                      kind=Kind.STACK),
                Panel("What came of looks", "Is there a worker to look?",
                      (Query(_rate("videojob_gateway_looks_total", "outcome"), "{{outcome}}"),), unit="reqps",
                      kind=Kind.STACK),
            ),
        ),
        Row(
            "Hooks",
            (
                Panel("Deliveries", "What comes of what other programs tell?",
                      (Query(_rate("videojob_gateway_hook_deliveries_total", "outcome"), "{{outcome}}"),), unit="reqps",
                      kind=Kind.STACK, width=12),
                Panel("Deliveries that make nothing", "Whose hook, keys or payloads are wrong?",
                      (Query(_rate("videojob_gateway_hook_deliveries_total", "hook, outcome",
                                   ', outcome!~"accepted|ignored"'), "{{hook}}: {{outcome}}"),), unit="reqps",
                      kind=Kind.STACK, width=12),
            ),
        ),
        Row(
            "Of the cluster (cAdvisor and kube-state-metrics)",
            (
                Panel("At work", "Has a replica a core to go on, of which it uses one at most?",
                      (Query(f"max by (pod) (rate(container_cpu_usage_seconds_total{{{_POD}}}{_RATE}))", "{{pod}}"),),
                      unit="percentunit", width=12, bad_above=0.9),
                Panel("Memory", "Is a replica near its limit of memory?",
                      (Query(f"max by (pod) (container_memory_working_set_bytes{{{_POD}}})", "{{pod}}"),
                       Query(f'max by (namespace) (kube_pod_container_resource_limits{{{_POD}, resource="memory"}})',
                             "limit")), unit="bytes", width=12),
                Panel("Versions", "Which version of the gateway runs?",
                      (Query("count by (version) (videojob_gateway_info)", "{{version}}"),), kind=Kind.BARS, width=8),
            ),
        ),
    ),
    by_pool=False,
    variables=(Variable("namespace", "label_values(videojob_gateway_info, namespace)", has_all=True),),
)  # fmt: skip
