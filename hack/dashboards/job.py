"""The dashboard of one VideoJob: its story, from what kube-state-metrics tells of it and from logs."""

from hack.dashboards.build import Board, Kind, Panel, Query, Row, Variable

_JOB = 'namespace="$namespace", name="$videojob"'
_RATE = "[$__rate_interval]"
_ITS_POOL = f"on (namespace, pool) group_left () max by (namespace, pool) (kube_videojob_info{{{_JOB}}})"


def _of(metric: str) -> str:
    """Return one value of the job; of several kube-state-metrics, the one that knows of more."""
    return f"max(kube_videojob_{metric}{{{_JOB}}})"


def _of_its_worker(metric: str) -> str:
    """Return what is said of the containers of a worker that has it, or had it."""
    worker = f'max by (namespace, worker) (kube_videojob_status{{{_JOB}, worker!=""}})'
    pod = f'label_replace({worker}, "pod", "$1", "worker", "(.+)")'
    return f"sum by (pod) ({metric} * on (namespace, pod) group_left () {pod})"


_CPU = f'rate(container_cpu_usage_seconds_total{{namespace="$namespace", container!=""}}{_RATE})'
_MEMORY = 'container_memory_working_set_bytes{namespace="$namespace", container!=""}'

JOB = Board(
    "videojob-job",
    "VideoJob / One job",
    "What became of one VideoJob, when and why; it needs kube-state-metrics as docs/operations.md says.",
    (
        Row(
            "Now",
            (
                Panel("Progress", "How far is it?", (Query(_of("status_progress")),), unit="percent",
                      kind=Kind.NUMBER, width=4),
                Panel("Done in", "How long until it is done?",
                      (Query(f"clamp_min({_of('status_eta_seconds')} - time(), 0)"),), unit="s",
                      kind=Kind.NUMBER, width=4),
                Panel("Before it", "How many are before it in its queue?", (Query(_of("status_queue_position")),),
                      kind=Kind.NUMBER, width=4),
                Panel("Attempts", "Was it tried more than once, and who was to blame?",
                      (Query(_of("status_attempts"), "attempts"), Query(_of("status_failures"), "failed"),
                       Query(_of("status_interruptions"), "interrupted")), kind=Kind.NUMBER, width=6),
                Panel("Waited, took, was to take", "Where did its time go?",
                      (Query(f"{_of('status_started_seconds')} - {_of('status_queued_seconds')}", "waited"),
                       Query(f"{_of('status_finished_seconds')} - {_of('status_started_seconds')}", "took"),
                       Query(_of("status_predicted_seconds"), "predicted")), unit="s", kind=Kind.NUMBER, width=6),
            ),
        ),
        Row(
            "Its story",
            (
                Panel("What it did", "When did it wait, for what, and when did it do what?",
                      (Query(f"max by (phase, reason, stage) (kube_videojob_status{{{_JOB}}})",
                             "{{phase}} {{stage}} {{reason}}"),), kind=Kind.STATES, width=12),
                Panel("Where it was", "Which workers had it?",
                      (Query(f'max by (worker) (kube_videojob_status{{{_JOB}, worker!=""}})', "{{worker}}"),),
                      kind=Kind.STATES, width=12),
                Panel("Progress over time", "Does it move, and did it start again?",
                      (Query(_of("status_progress"), "progress"),), unit="percent", width=12),
                Panel("Place in its queue", "Do others go before it?",
                      (Query(_of("status_queue_position"), "before it"),), width=12),
            ),
        ),
        Row(
            "Around it",
            (
                Panel("CPU of its worker", "Does its worker have the CPU that it can use?",
                      (Query(_of_its_worker(_CPU), "{{pod}}"),)),
                Panel("Memory of its worker", "Is its worker near its limit of memory?",
                      (Query(_of_its_worker(_MEMORY), "{{pod}}"),),
                      unit="bytes"),
                Panel("Workers of its pool", "Would another worker have had it sooner?",
                      (Query(f"sum by (state) (max by (namespace, pool, state) (videojob_workers) * {_ITS_POOL})",
                             "{{state}}"),
                       Query(f"sum(max by (namespace, pool, reason) (videojob_waiting) * {_ITS_POOL})",
                             "VideoJobs that wait")), kind=Kind.STACK),
                Panel("Log", "What did operator and worker say of it?",
                      (Query('{namespace=~".+"} |= "$namespace" |= "$videojob" | json | name="$videojob"'),),
                      kind=Kind.LINES_OF_LOG, width=24),
            ),
        ),
    ),
    by_pool=False,
    variables=(
        Variable("namespace", "label_values(kube_videojob_info, namespace)"),
        Variable("videojob", 'label_values(kube_videojob_info{namespace="$namespace"}, name)'),
    ),
)  # fmt: skip
