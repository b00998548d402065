"""RenderPool: a pool of worker Jobs that renders the VideoJobs of its namespace."""

from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from videojob_contract.resources.base import (
    BY_NAME,
    SIZE_PATTERN,
    Duration,
    Label,
    Manifest,
    Model,
    MountName,
    Name,
    Rule,
    ShortText,
    Text,
    Uri,
    rules,
)
from videojob_contract.resources.encoding import Encoding
from videojob_contract.resources.history import History
from videojob_contract.resources.limits import PoolLimits
from videojob_contract.resources.node_cache import NodeCache
from videojob_contract.resources.notifications import WebhookRules
from videojob_contract.resources.object_stores import MAX_STORES, ObjectStore
from videojob_contract.resources.outputs import Quality
from videojob_contract.resources.status import BY_TYPE, Condition, Count
from videojob_contract.resources.timeline import Canvas
from videojob_contract.resources.uploads import Uploads
from videojob_contract.resources.videojob import Retry
from videojob_contract.resources.windows import MAX_WINDOWS, FewestIdle, MostWorkers, PoolWindow, WindowStatus
from videojob_contract.resources.work import LearntRates


class Order(StrEnum):
    """How a queue gives out what waits in it."""

    FAIR = "fair"
    FIFO = "fifo"


class Queue(Model):
    """One queue of the pool."""

    name: Name
    """Its name, as VideoJobs give it."""
    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    """Its share of the workers when several queues wait."""
    stopped: bool = False
    """Give nothing of it to workers until false: what runs goes on, and what waits keeps its place."""


class UserShare(Model):
    """A user whose share of the pool's queues is another than one."""

    name: Label
    """The user, as VideoJobs give it."""
    weight: Annotated[int, Field(ge=1, le=1000)]
    """How many times the share of a user that is not listed."""


MAX_USER_SHARES = 512
"""Most users of a pool with a share of their own."""


class PoolDefaults(Model):
    """What VideoJobs of this pool take when they do not say."""

    deadline: Duration | None = None
    """Hard limit of one attempt. Default: 30m."""
    retry: Retry | None = None
    """How often a failed attempt is repeated."""
    ttl_after_finished: Duration | None = None
    """Delete finished VideoJobs after this long. Default: never."""
    canvas: Canvas | None = None
    """Size, frame rate and background."""
    quality: Quality | None = None
    """Quality of outputs. Default: standard."""


MAX_VOLUMES = 16
"""Most volumes of a pool."""


class PoolVolume(Model):
    """A volume that `volume://NAME/…` reads and writes."""

    name: MountName
    """Its name in URIs."""
    read_only: bool = False
    """Whether outputs may not go there."""
    source: Annotated[Manifest, Field(max_length=4)]
    """A Kubernetes volume source, such as `persistentVolumeClaim: {claimName: media}`."""


class Storage(Model):
    """Where outputs go, what sources may be, and which object stores there are."""

    model_config = rules(
        # Without the prefix of a store, which the URI may have escaped: the operator looks at that.
        Rule(
            "!has(self.outputPrefix) || !self.outputPrefix.matches('^(s3|gs|az)://') || self.objects.exists(store, "
            "!store.readOnly && (self.outputPrefix + '/').startsWith(store.provider + '://' + store.bucket + '/'))",
            "must be in one of storage.objects that is not readOnly",
            ".outputPrefix",
            expression="self.outputPrefix + ' must be in one of storage.objects that is not readOnly'",
        ),
    )

    output_prefix: Uri | None = None
    """Outputs without a URI go to this prefix, then /{namespace}/{name}/{output}.{ext}."""
    allow_private_networks: bool = False
    """Let `http(s)://` sources be in private address ranges, such as services of this cluster."""
    allow_hosts: Annotated[list[Annotated[str, StringConstraints(max_length=253)]] | None, Field(max_length=64)] = None
    """Hosts that `http(s)://` sources may name, as globs such as *.example.org. Default: any."""
    max_source_bytes: Annotated[int, Field(ge=1)] = 4 * 1024**3
    """Largest source, in bytes."""
    objects: Annotated[list[ObjectStore], Field(max_length=MAX_STORES, json_schema_extra=BY_NAME)] = []
    """Object stores that `s3://`, `gs://` and `az://` URIs may be in."""
    cache: NodeCache | None = None
    """Where workers keep sources of object stores and `https` servers for one another. Default: nowhere."""
    uploads: Uploads | None = None
    """Where clients put media for VideoJobs. Default: nowhere that is known of."""


class WorkerTemplate(Model):
    """How worker pods differ from the built-in template."""

    image: Annotated[str, StringConstraints(max_length=512)] | None = None
    """Image of the worker. Default: the operator's setting."""
    resources: Manifest | None = None
    """Requests and limits. Default: cpu 1 and memory 1Gi requested, memory limited to 2Gi."""
    scratch_size: Annotated[str, StringConstraints(pattern=SIZE_PATTERN, max_length=16)] = "8Gi"
    """Size limit of the scratch volume."""
    node_selector: Annotated[dict[str, ShortText], Field(max_length=32)] | None = None
    """Nodes to run on."""
    tolerations: Annotated[list[Manifest], Field(max_length=32)] | None = None
    """Taints to tolerate."""
    affinity: Manifest | None = None
    """Affinity of the pods."""
    priority_class_name: Annotated[str, StringConstraints(max_length=253)] | None = None
    """Priority class of the pods."""
    image_pull_secrets: Annotated[list[Manifest], Field(max_length=8)] | None = None
    """Secrets to pull the image with."""
    service_account_name: Annotated[str, StringConstraints(max_length=253)] | None = None
    """Service account of the pods, for what a cloud gives by it; its token for the API server is never mounted."""
    runtime_class_name: Annotated[str, StringConstraints(max_length=253)] | None = None
    """Runtime of the pods, such as `gvisor`."""
    topology_spread_constraints: Annotated[list[Manifest], Field(max_length=16)] | None = None
    """How the pods spread over nodes and zones; `videojob.dev/pool` is the label to select them by."""
    env: Annotated[list[Manifest], Field(max_length=64)] | None = None
    """More environment variables, such as `{name: HTTPS_PROXY, value: …}`; the renderer sees none of them but TZ and
    those of Python. Names that begin with VIDEOJOB_ are taken."""
    annotations: Annotated[dict[str, Text], Field(max_length=64)] | None = None
    """Annotations of the pods. By default they ask autoscalers not to evict them, for a render would begin anew."""
    labels: Annotated[dict[str, ShortText], Field(max_length=64)] | None = None
    """Labels of the pods."""


DEFAULT_QUEUES = [
    Queue(name="high", weight=10),
    Queue(name="default", weight=5),
    Queue(name="low", weight=1),
]


_PREFIX = "self.storage.outputPrefix"
_ON_VOLUME = f"(has({_PREFIX}) && {_PREFIX}.startsWith('volume://'))"


class RenderPoolSpec(Model):
    """How a pool scales, and what its workers have."""

    model_config = rules(
        Rule(
            "self.minIdle <= self.maxWorkers || self.maxWorkers == 0",
            "must not be more than maxWorkers, unless that is 0",
            ".minIdle",
        ),
        Rule(
            f"!{_ON_VOLUME} || self.volumes.exists(volume, !volume.readOnly && "
            f"({_PREFIX} + '/').startsWith('volume://' + volume.name + '/'))",
            "must begin with one of the pool's volumes that is not read-only",
            ".storage.outputPrefix",
            expression=f"{_PREFIX} + ' must begin with one of the pool\\'s volumes that is not read-only'",
        ),
    )

    queues: Annotated[list[Queue], Field(min_length=1, max_length=32, json_schema_extra=BY_NAME)] = DEFAULT_QUEUES
    """Queues and their weights."""
    order: Order = Order.FAIR
    """How a queue gives out what waits in it: `fair` between users, and small ones of each first; or `fifo`, first in,
    first out, whoever they are of."""
    users: Annotated[list[UserShare], Field(max_length=MAX_USER_SHARES, json_schema_extra=BY_NAME)] = []
    """Users whose share is another than one."""
    min_idle: FewestIdle = 0
    """Workers that wait warm, so that a claim takes milliseconds."""
    max_workers: MostWorkers = 10
    """Most workers at a time, idle ones included; 0 pauses the pool, whatever minIdle says."""
    windows: Annotated[list[PoolWindow], Field(max_length=MAX_WINDOWS)] = []
    """Times at which it has another size; of several that are on, the first counts."""
    idle_timeout: Duration = Fraction(60)
    """How long a worker beyond minIdle waits for work before it is retired."""
    drain: bool = False
    """Start nothing until false: what runs goes on, what waits keeps its place, and idle workers leave."""
    surge: Annotated[int, Field(ge=1, le=1000)] = 10
    """Most workers started at a time for what is queued."""
    limits: PoolLimits | None = None
    """How much there may be: running, waiting, in a day, in one VideoJob."""
    defaults: PoolDefaults | None = None
    """What VideoJobs take when they do not say."""
    volumes: Annotated[list[PoolVolume], Field(max_length=MAX_VOLUMES, json_schema_extra=BY_NAME)] = []
    """Volumes that sources and outputs name."""
    storage: Storage = Storage()
    """Where outputs go, what sources may be, and which object stores there are."""
    history: History = History()
    """How many finished VideoJobs are kept. Default: all."""
    webhooks: WebhookRules = WebhookRules()
    """Which webhooks VideoJobs may name."""
    encoding: Encoding = Encoding()
    """What workers encode video with."""
    worker: WorkerTemplate = WorkerTemplate()
    """How worker pods differ from the built-in template."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        named = {
            "queues": [item.name for item in self.queues],
            "users": [item.name for item in self.users],
            "volumes": [item.name for item in self.volumes],
            "storage.objects": [item.name for item in self.storage.objects],
        }
        for field, names in named.items():
            if len(set(names)) != len(names):
                raise ValueError(f"{field} must have different names, not {', '.join(names)}")
        return self


class RenderPoolStatus(Model):
    """What a pool is doing."""

    queued: Annotated[int, Field(ge=0)] = 0
    """VideoJobs that wait."""
    starting: Annotated[int, Field(ge=0)] = 0
    """Workers that start."""
    idle: Annotated[int, Field(ge=0)] = 0
    """Workers that wait for work."""
    busy: Annotated[int, Field(ge=0)] = 0
    """Workers that render."""
    desired: Annotated[int, Field(ge=0)] = 0
    """Workers that there should be."""
    window: WindowStatus | None = None
    """The size that it has by its windows, if it has any."""
    backlog_seconds: Count | None = None
    """How long what waits and runs will take the workers that there may be, predicted, to two digits; none while there
    may be no worker."""
    learnt: LearntRates | None = None
    """How long the work takes on its workers: what predictions are made with."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec that this status is of."""
    conditions: Annotated[list[Condition], Field(max_length=8, json_schema_extra=BY_TYPE)] = []
    """Accepted and Ready: whether the spec can be used, and whether workers come up. Contested: a second operator would
    serve it. Drained, while `drain` is true: whether nothing runs any more."""


class RenderPool(Model):
    """A pool of workers that renders VideoJobs."""

    api_version: Literal["videojob.dev/v1alpha1"] = "videojob.dev/v1alpha1"
    kind: Literal["RenderPool"] = "RenderPool"
    metadata: dict[str, Any] = {}
    """Kubernetes' own."""
    spec: RenderPoolSpec
    """How it scales, and what its workers have."""
    status: RenderPoolStatus | None = None
    """What it is doing; written by the operator."""
