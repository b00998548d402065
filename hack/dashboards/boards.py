"""What the dashboards show. Each panel says which question it answers; docs/operations.md is told them by these."""

from hack.dashboards.build import Board, Kind, Panel, Query, Row
from hack.dashboards.gateway import GATEWAY
from hack.dashboards.job import JOB

_POOL = 'namespace=~"$namespace", pool=~"$pool"'
_RATE = "[$__rate_interval]"


def _by(labels: str, metric: str, more: str = "") -> str:
    return f"sum by ({labels}) (rate({metric}{{{_POOL}{more}}}{_RATE}))"


def _latest(metric: str, more: str = "", by: str = "") -> str:
    """Return a gauge of pools; of several replicas of the operator, what the one says that knows of most."""
    labels = ", ".join(filter(None, ("namespace", "pool", by)))
    return f"max by ({labels}) ({metric}{{{_POOL}{more}}})"


def _gauge(label: str, metric: str, more: str = "") -> str:
    return f"sum by ({label}) ({_latest(metric, more, by=label)})"


def _by_pool(metric: str, more: str, by: str = "") -> str:
    return f"sum by (pool) ({_latest(metric, more, by)})"


def _quantile(share: float, metric: str, labels: str = "") -> str:
    kept = f"le, {labels}" if labels else "le"
    return f"histogram_quantile({share}, sum by ({kept}) (rate({metric}_bucket{{{_POOL}}}{_RATE})))"


def _heat(metric: str) -> str:
    return f"sum by (le) (increase({metric}_bucket{{{_POOL}}}{_RATE}))"


RENDERS = Board(
    "videojob-renders",
    "VideoJob / Renders",
    "What is rendered, how fast, what fails, and who waits.",
    (
        Row(
            "Now",
            (
                Panel("Waiting", "How many VideoJobs wait?", (Query(_gauge("reason", "videojob_waiting"), "{{reason}}"),),
                      kind=Kind.BARS, width=6),
                Panel("Running", "How many render at this moment?",
                      (Query("sum(" + _latest("videojob_jobs", ', phase="Running"') + ")"),),
                      kind=Kind.NUMBER, width=4),
                Panel("Succeeded of those that ended", "Does it work?",
                      (Query(f'sum(rate(videojob_attempts_total{{{_POOL}, result="succeeded"}}{_RATE})) / '
                             f'sum(rate(videojob_attempts_total{{{_POOL}, result=~"succeeded|failed"}}{_RATE}))'),),
                      unit="percentunit", kind=Kind.NUMBER, width=4),
                Panel("Backlog", "How long until all that waits is done?",
                      (Query(f"max(videojob_backlog_seconds{{{_POOL}}})"),), unit="s", kind=Kind.NUMBER, width=5,
                      bad_above=3600),
                Panel("Longest wait", "How long has the first in the queue waited?",
                      (Query(f"max(videojob_queue_oldest_wait_seconds{{{_POOL}}})"),), unit="s", kind=Kind.NUMBER,
                      width=5, bad_above=3600),
            ),
        ),
        Row(
            "Throughput",
            (
                Panel("VideoJobs by phase", "Where are the VideoJobs in their lives?",
                      (Query(_gauge("phase", "videojob_jobs"), "{{phase}}"),), kind=Kind.STACK),
                Panel("Attempts", "How many attempts end, and how?",
                      (Query(_by("result", "videojob_attempts_total"), "{{result}}"),), unit="reqps", kind=Kind.STACK),
                Panel("Video made", "How many seconds of video are made each second?",
                      (Query(_by("pool", "videojob_video_seconds_total"), "{{pool}}"),), unit="short", kind=Kind.STACK),
            ),
        ),
        Row(
            "Speed",
            (
                Panel("Render time", "How long do renders take?", (Query(_heat("videojob_render_seconds"), "{{le}}"),),
                      unit="s", kind=Kind.HEAT),
                Panel("Render time, quantiles", "Has it become slower?",
                      (Query(_quantile(0.5, "videojob_render_seconds"), "median"),
                       Query(_quantile(0.95, "videojob_render_seconds"), "95 %")), unit="s"),
                Panel("Times as fast as it plays", "Is a minute of video made in less than a minute?",
                      (Query(_quantile(0.5, "videojob_realtime_ratio"), "median"),
                       Query(_quantile(0.1, "videojob_realtime_ratio"), "slowest tenth"))),
            ),
        ),
        Row(
            "Waits",
            (
                Panel("Wait for a worker", "How long do VideoJobs wait for a worker?",
                      (Query(_heat("videojob_queue_wait_seconds"), "{{le}}"),), unit="s", kind=Kind.HEAT),
                Panel("Wait by queue, 95 %", "Which queue waits the longest?",
                      (Query(_quantile(0.95, "videojob_queue_wait_seconds", "queue"), "{{queue}}"),), unit="s"),
                Panel("Why they wait", "Why do VideoJobs wait, and would more workers help?",
                      (Query(_gauge("reason", "videojob_waiting"), "{{reason}}"),), kind=Kind.STACK),
                Panel("Waiting by queue", "Which queue is long?",
                      (Query(_gauge("queue", "videojob_queue_depth"), "{{queue}}"),), kind=Kind.STACK),
                Panel("Share of a queue, and of its weight", "Does each queue get its share?",
                      (Query(f"{_by('queue', 'videojob_queue_wait_seconds_count')} / on () group_left () "
                             f"sum(rate(videojob_queue_wait_seconds_count{{{_POOL}}}{_RATE}))", "{{queue}}: got"),
                       Query(f"{_gauge('queue', 'videojob_queue_weight')} / on () group_left () "
                             f"sum({_latest('videojob_queue_weight', by='queue')})",
                             "{{queue}}: weight")), unit="percentunit"),
                Panel("Backlog", "Does the backlog grow or drain?",
                      (Query(_latest("videojob_backlog_seconds"), "{{namespace}}/{{pool}}"),),
                      unit="s"),
            ),
        ),
        Row(
            "Failures",
            (
                Panel("Failures by reason", "What fails, and since when?",
                      (Query(_by("reason", "videojob_attempts_total", ', result="failed"'), "{{reason}}"),),
                      unit="reqps", kind=Kind.STACK),
                Panel("What failures cost", "What did last night's failures cost, in seconds of workers?",
                      (Query(f'sum by (reason) (increase(videojob_attempt_seconds_total{{{_POOL}, result!="succeeded"}}'
                             f"[$__range]))", "{{reason}}"),), unit="s", kind=Kind.BARS),
                Panel("Work that was for nothing", "Which part of the workers' time is lost to failures?",
                      (Query(f'sum(rate(videojob_attempt_seconds_total{{{_POOL}, result!="succeeded"}}{_RATE})) / '
                             f"sum(rate(videojob_attempt_seconds_total{{{_POOL}}}{_RATE}))", "lost"),),
                      unit="percentunit", bad_above=0.2),
            ),
        ),
        Row(
            "Predictions and messages",
            (
                Panel("Took, of what was predicted", "Can the ETA be believed?",
                      (Query(_quantile(0.1, "videojob_prediction_ratio"), "10 %"),
                       Query(_quantile(0.5, "videojob_prediction_ratio"), "median"),
                       Query(_quantile(0.9, "videojob_prediction_ratio"), "90 %"))),
                Panel("Webhooks", "Are receivers told?",
                      (Query(f"sum by (result) (rate(videojob_webhook_seconds_count{_RATE}))", "{{result}}"),),
                      unit="reqps", kind=Kind.STACK),
                Panel("Time of webhooks, 95 %", "Which receivers' answers are slow?",
                      (Query(f"histogram_quantile(0.95, sum by (le) (rate(videojob_webhook_seconds_bucket{_RATE})))",
                             "95 %"),), unit="s"),
            ),
        ),
    ),
)  # fmt: skip

_CONTAINER = 'container="worker", namespace=~"$namespace"'
POOLS = Board(
    "videojob-pools",
    "VideoJob / Pools",
    "Workers: how many, what they do, what they cost, and whether more of them would help.",
    (
        Row(
            "Workers",
            (
                Panel("Workers by state", "How many workers are there, and what do they do?",
                      (Query(_gauge("state", "videojob_workers", ', state!="desired"'), "{{state}}"),),
                      kind=Kind.STACK),
                Panel("Workers and how many are wanted", "Do pools get the workers that they want?",
                      (Query(_by_pool("videojob_workers", ', state!="desired"', by="state"), "{{pool}}: there"),
                       Query(_by_pool("videojob_workers", ', state="desired"'), "{{pool}}: wanted"))),
                Panel("At work", "Are workers idle while VideoJobs wait?",
                      (Query(_by_pool("videojob_workers", ', state="busy"') + " / " +
                             f'sum by (pool) (max by (namespace, pool, state) (videojob_workers{{{_POOL}, '
                             f'state=~"busy|idle|starting"}}) > 0)', "{{pool}}"),), unit="percentunit"),
            ),
        ),
        Row(
            "Would more workers help?",
            (
                Panel("Waiting for a free worker", "Would more workers help?",
                      (Query(f'sum by (pool, reason) (max by (namespace, pool, reason) (videojob_waiting{{{_POOL}, '
                             f'reason=~"PoolAtMaximum|WorkersNotStarting|WorkersStarting|Queued"}}))',
                             "{{pool}}: {{reason}}"),), kind=Kind.STACK),
                Panel("Kept by a limit", "Who is held back by a limit rather than by workers?",
                      (Query(_by_pool("videojob_waiting", ', reason="LimitReached"'), "{{pool}}"),)),
                Panel("Claims", "How many VideoJobs does a worker take each second?",
                      (Query(_by("pool", "videojob_queue_wait_seconds_count"), "{{pool}}"),), unit="reqps"),
            ),
        ),
        Row(
            "Cost",
            (
                Panel("Worker seconds a minute of video", "What does a minute of video cost?",
                      (Query(f"60 * sum by (pool) (rate(videojob_attempt_seconds_total{{{_POOL}}}{_RATE})) / "
                             f"sum by (pool) (rate(videojob_video_seconds_total{{{_POOL}}}{_RATE}))", "{{pool}}"),),
                      unit="s"),
                Panel("Who uses the pools", "Which pool takes how much of the workers' time?",
                      (Query(f"sum by (namespace, pool) (increase(videojob_attempt_seconds_total{{{_POOL}}}[$__range]))",
                             "{{namespace}}/{{pool}}"),), unit="s", kind=Kind.BARS),
                Panel("Paid for, and idle", "How many workers wait warm for nothing?",
                      (Query(_by_pool("videojob_workers", ', state="idle"'), "{{pool}}"),)),
            ),
        ),
        Row(
            "Of the cluster (cAdvisor and kube-state-metrics)",
            (
                Panel("CPU of workers", "Do workers use the CPU that they ask for?",
                      (Query(f"sum by (namespace) (rate(container_cpu_usage_seconds_total{{{_CONTAINER}}}{_RATE}))",
                             "{{namespace}}: used"),
                       Query(f'sum by (namespace) (kube_pod_container_resource_requests{{{_CONTAINER}, resource="cpu"}})',
                             "{{namespace}}: asked for")), width=12),
                Panel("Memory of workers", "Is a worker near its limit of memory?",
                      (Query(f"max by (namespace) (container_memory_working_set_bytes{{{_CONTAINER}}})",
                             "{{namespace}}: largest"),
                       Query(f'max by (namespace) (kube_pod_container_resource_limits{{{_CONTAINER}, resource="memory"}})',
                             "{{namespace}}: limit")), unit="bytes", width=12),
            ),
        ),
    ),
)  # fmt: skip

OPERATOR = Board(
    "videojob-operator",
    "VideoJob / Operator",
    "Whether the operator keeps up, and what it costs the API server and Redis.",
    (
        Row(
            "Work",
            (
                Panel("Reconciles", "What does the operator do?",
                      (Query(f"sum by (queue) (rate(videojob_reconcile_seconds_count{_RATE}))", "{{queue}}"),),
                      unit="reqps"),
                Panel("Time of a reconcile, 99 %", "Is a reconcile slow?",
                      (Query(f"histogram_quantile(0.99, sum by (le, queue) (rate(videojob_reconcile_seconds_bucket{_RATE})))",
                             "{{queue}}"),), unit="s"),
                Panel("Wait for a reconciler, 99 %", "Does the operator keep up?",
                      (Query(f"histogram_quantile(0.99, sum by (le, queue) "
                             f"(rate(videojob_reconcile_wait_seconds_bucket{_RATE})))", "{{queue}}"),), unit="s"),
                Panel("Oldest key", "Is something stuck in a work queue?",
                      (Query("max by (queue) (videojob_workqueue_oldest_key_seconds)", "{{queue}}"),), unit="s",
                      bad_above=90),
                Panel("Reconciles that failed", "What is tried again and again?",
                      (Query(f"sum by (queue) (rate(videojob_reconcile_errors_total{_RATE}))", "{{queue}}"),),
                      unit="reqps"),
                Panel("Parts that failed", "Did a part of the operator crash?",
                      (Query("sum by (part) (increase(videojob_part_failures_total[$__range]))", "{{part}}"),),
                      kind=Kind.BARS),
            ),
        ),
        Row(
            "API server",
            (
                Panel("Requests by code", "Does the API server refuse or throttle?",
                      (Query(f"sum by (code) (rate(videojob_api_requests_total{_RATE}))", "{{code}}"),), unit="reqps",
                      kind=Kind.STACK),
                Panel("Requests by verb and resource", "What does it ask the API server for?",
                      (Query(f"sum by (verb, resource) (rate(videojob_api_requests_total{_RATE}))",
                             "{{verb}} {{resource}}"),), unit="reqps", kind=Kind.STACK),
                Panel("Status writes an attempt", "How many writes does a VideoJob cost?",
                      (Query(f'sum(rate(videojob_status_writes_total{{resource="videojobs"}}{_RATE})) / '
                             f"sum(rate(videojob_attempts_total{_RATE}))", "writes"),)),
                Panel("Events of watches", "What do watches deliver?",
                      (Query(f"sum by (resource) (rate(videojob_watch_events_total{_RATE}))", "{{resource}}"),),
                      unit="reqps"),
                Panel("Age of watches", "Is a watch dead?",
                      (Query("max by (resource) (videojob_watch_age_seconds)", "{{resource}}"),), unit="s",
                      bad_above=600),
                Panel("Events that were missed", "Was something not told?",
                      (Query("sum by (resource) (increase(videojob_watch_missed_total[$__range]))", "{{resource}}"),),
                      kind=Kind.BARS),
            ),
        ),
        Row(
            "Redis",
            (
                Panel("Pools whose queues can be reached", "Is Redis there?",
                      (Query("min by (namespace, pool) (videojob_redis_up)", "{{namespace}}/{{pool}}"),)),
                Panel("Redis is full", "Does Redis take new work?",
                      (Query("max by (namespace, pool) (videojob_redis_full)", "{{namespace}}/{{pool}}"),), bad_above=1),
                Panel("Events by Redis", "What do workers tell?",
                      (Query(f"sum by (event) (rate(videojob_queue_events_total{_RATE}))", "{{event}}"),), unit="reqps"),
                Panel("Found empty", "Was Redis emptied?",
                      (Query("sum(increase(videojob_redis_resets_total[$__range]))", "times"),), kind=Kind.NUMBER),
                Panel("Cannot be read", "Does someone write nonsense into Redis?",
                      (Query("sum by (namespace, pool, kind) (increase(videojob_queue_unreadable_total[$__range]))",
                             "{{namespace}}/{{pool}}: {{kind}}"),), kind=Kind.BARS),
                Panel("Versions", "Which version runs?",
                      (Query("count by (version) (videojob_operator_info)", "{{version}}"),), kind=Kind.BARS),
            ),
        ),
    ),
    by_pool=False,
)  # fmt: skip

BOARDS = (RENDERS, POOLS, OPERATOR, GATEWAY, JOB)
