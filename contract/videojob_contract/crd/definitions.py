"""The CustomResourceDefinitions: schemas, names, printer columns and what can be selected by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from videojob_contract.crd.structural import Schema, structural, without_defaults, without_transition_rules
from videojob_contract.crd.templated import with_templates
from videojob_contract.crd.worded import worded
from videojob_contract.resources import GROUP, VERSION, RenderPool, VideoHook, VideoJob, VideoSchedule, VideoTemplate
from videojob_contract.resources.base import MAX_VIDEOJOB_NAME, POOL_NAME_PATTERN, Rule
from videojob_contract.resources.status import Phase
from videojob_contract.resources.videohook import MAX_HOOK_NAME
from videojob_contract.resources.videojob import TEMPLATED_FIELDS
from videojob_contract.resources.videoschedule import MAX_SCHEDULE_NAME

if TYPE_CHECKING:
    from videojob_contract.resources.base import Model


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`."""

    name: str
    path: str
    description: str
    type: str = "string"
    wide: bool = False
    """Whether it shows in `-o wide` alone."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as the CRD has it."""
        return {
            "name": self.name,
            "type": self.type,
            "jsonPath": self.path,
            "description": self.description,
            "priority": int(self.wide),
        }


@dataclass(frozen=True)
class Definition:
    """What a CRD says beside its schema."""

    model: type[Model]
    plural: str
    short: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    """Rules on the whole resource: the only ones that see `metadata.name`."""
    selectable: tuple[str, ...] = ()
    """Fields for `kubectl get --field-selector`."""
    templated: tuple[str, ...] = ()
    """Fields of the spec that take templates."""
    embedded: tuple[tuple[str, ...], ...] = ()
    """Paths in the spec at which the spec of a VideoJob stands."""
    timelines: tuple[str, ...] = ()
    """Fields of the spec at which the timeline of one does."""
    categories: tuple[str, ...] = field(default=("all", "video"))

    @property
    def kind(self) -> str:
        """Such as `VideoJob`."""
        return self.model.__name__

    @property
    def has_status(self) -> bool:
        """Whether the operator says something of it."""
        return "status" in self.model.model_fields


def _has_ended(resource: str) -> str:
    """Return the expression that tells whether a VideoJob, `self` or `oldSelf`, has ended."""
    final = [phase.value for phase in Phase if phase.is_final]
    return f"(has({resource}.status) && has({resource}.status.phase) && {resource}.status.phase in {final})"


def _settled(field: str) -> Rule:
    """Return a rule that keeps a field of what has ended as it is: a change would seem to do something."""
    new, old = f"self.spec.{field}", f"oldSelf.spec.{field}"
    return Rule(
        "self.spec.rerun != oldSelf.spec.rerun || "
        f"!{_has_ended('oldSelf')} || "
        f"has({new}) == has({old}) && (!has({new}) || {new} == {old})",
        "it has ended, and waits for nothing any more; raise rerun as well, or make another VideoJob",
        f".spec.{field}",
        "FieldValueForbidden",
    )


AGE = Column("Age", ".metadata.creationTimestamp", "Since it was created.", "date")

VIDEOJOB = Definition(
    model=VideoJob,
    plural="videojobs",
    short="vj",
    columns=(
        Column("Phase", ".status.phase", "Where it is."),
        Column("Reason", ".status.reason", "Why it waits, or why it failed."),
        Column("Progress", ".status.progress", "Per cent of the work done.", "integer"),
        Column("Stage", ".status.stage", "What the worker is doing."),
        # Not of the type "date", which kubectl shows as the time since, and "<invalid>" in the future.
        Column("ETA", ".status.eta", "When it should be done."),
        Column("Attempts", ".status.attempts", "Attempts made.", "integer"),
        Column("Pool", ".spec.pool", "The pool that renders it.", wide=True),
        Column("Queue", ".spec.queue", "Its queue in the pool.", wide=True),
        Column("Position", ".status.queuePosition", "How many of its queue are before it.", "integer", wide=True),
        Column("Finished", ".status.finishedAt", "Since it came to its end.", "date", wide=True),
        Column("Message", ".status.message", "The latest word.", wide=True),
        AGE,
    ),
    rules=(
        Rule(
            f"self.metadata.name.size() <= {MAX_VIDEOJOB_NAME}",
            f"a VideoJob's name has at most {MAX_VIDEOJOB_NAME} characters: it becomes a label of its Job",
            ".metadata.name",
        ),
        *(_settled(field) for field in ("pool", "queue", "user", "priority")),
        Rule(
            "self.spec.pool == oldSelf.spec.pool || !has(oldSelf.status) || !has(oldSelf.status.phase) || "
            f"oldSelf.status.phase != '{Phase.RUNNING.value}'",
            "it runs, and stays in its pool; suspend it first, or make another VideoJob",
            ".spec.pool",
            "FieldValueForbidden",
        ),
        Rule(
            f"self.spec.rerun == oldSelf.spec.rerun || {_has_ended('self')}",
            "it has not finished yet",
            ".spec.rerun",
            "FieldValueForbidden",
        ),
    ),
    selectable=(".status.phase", ".spec.pool"),
    templated=TEMPLATED_FIELDS,
)

RENDERPOOL = Definition(
    model=RenderPool,
    plural="renderpools",
    short="rp",
    columns=(
        Column("Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether workers come up."),
        Column("Queued", ".status.queued", "VideoJobs that wait.", "integer"),
        Column("Starting", ".status.starting", "Workers that start.", "integer"),
        Column("Idle", ".status.idle", "Workers that wait for work.", "integer"),
        Column("Busy", ".status.busy", "Workers that render.", "integer"),
        Column("Desired", ".status.desired", "Workers that there should be.", "integer"),
        Column("Max", ".spec.maxWorkers", "Most workers at a time.", "integer"),
        Column("Backlog", ".status.backlogSeconds", "Seconds of work that there is.", "integer", wide=True),
        Column("Message", '.status.conditions[?(@.type=="Ready")].message', "Why it is not ready.", wide=True),
        AGE,
    ),
    rules=(
        Rule(
            f"self.metadata.name.matches('{POOL_NAME_PATTERN}')",
            "a RenderPool's name has at most 40 lower case letters, digits and -: its Jobs are named for it",
            ".metadata.name",
        ),
    ),
)

VIDEOSCHEDULE = Definition(
    model=VideoSchedule,
    plural="videoschedules",
    short="vs",
    columns=(
        Column("Schedule", ".spec.schedule", "Its cron expression."),
        Column("Time Zone", ".spec.timeZone", "The expression's time zone."),
        Column("Suspend", ".spec.suspend", "Whether none is made.", "boolean"),
        Column("Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether VideoJobs are made."),
        Column("Last", ".status.lastScheduleTime", "Since the last one was due.", "date"),
        Column("Next", ".status.nextScheduleTime", "When the next one is."),
        Column("Active", ".status.active", "Its VideoJobs that have not finished.", wide=True),
        Column("Message", '.status.conditions[?(@.type=="Ready")].message', "What keeps the next one.", wide=True),
        AGE,
    ),
    rules=(
        Rule(
            f"self.metadata.name.size() <= {MAX_SCHEDULE_NAME}",
            f"a VideoSchedule's name has at most {MAX_SCHEDULE_NAME} characters: its VideoJobs are named for it",
            ".metadata.name",
        ),
    ),
    embedded=(("template", "spec"),),
)

VIDEOTEMPLATE = Definition(
    model=VideoTemplate,
    plural="videotemplates",
    short="vtpl",
    columns=(Column("Description", ".spec.description", "What it is for."), AGE),
    rules=(),
    timelines=("timeline",),
)

VIDEOHOOK = Definition(
    model=VideoHook,
    plural="videohooks",
    short="vh",
    columns=(
        Column("Scheme", ".spec.verification.scheme", "How deliveries are signed."),
        Column("Template", ".spec.job.templateRef.name", "What is rendered."),
        Column("Pool", ".spec.job.pool", "Where it is rendered."),
        Column("User", ".spec.job.user", "Whose it is."),
        Column("Suspend", ".spec.suspend", "Whether nothing is taken.", "boolean"),
        Column("Queue", ".spec.job.queue", "Its queue in the pool.", wide=True),
        Column("Secret Key", ".spec.verification.secretKey", "The entry with the keys that sign.", wide=True),
        Column("Description", ".spec.description", "What it is for.", wide=True),
        AGE,
    ),
    rules=(
        Rule(
            f"self.metadata.name.size() <= {MAX_HOOK_NAME} && !self.metadata.name.contains('.')",
            f"a VideoHook's name has at most {MAX_HOOK_NAME} lower case letters, digits and -: "
            "its VideoJobs are named for it",
            ".metadata.name",
        ),
    ),
)

DEFINITIONS = (VIDEOJOB, RENDERPOOL, VIDEOSCHEDULE, VIDEOTEMPLATE, VIDEOHOOK)

# The words of the API conventions, for `kubectl explain`.
_TYPE_META: dict[str, Schema] = {
    "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}."},
    "kind": {"type": "string"},
    "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
}


def custom_resource_definition(definition: Definition) -> dict[str, Any]:
    """Return a CRD as a manifest."""
    singular = definition.kind.lower()
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": resource_schema(definition)},
        **({"subresources": {"status": {}}} if definition.has_status else {}),
        "additionalPrinterColumns": [column.to_dict() for column in definition.columns],
    }
    if definition.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in definition.selectable]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{definition.plural}.{GROUP}",
            "labels": {"app.kubernetes.io/part-of": "videojob-operator"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": definition.kind,
                "listKind": f"{definition.kind}List",
                "plural": definition.plural,
                "singular": singular,
                "shortNames": [definition.short],
                "categories": list(definition.categories),
            },
            "versions": [version],
        },
    }


def resource_schema(definition: Definition) -> Schema:
    """Return the schema of the whole resource, with `metadata` left to the API server."""
    schema = structural(definition.model)
    spec = schema["properties"]["spec"]
    templated = {name: with_templates(spec["properties"][name], f"spec.{name}") for name in definition.templated}
    if definition is VIDEOJOB:  # a template may have them: a rule tells when it has to
        spec = {**spec, "required": [name for name in spec["required"] if name != "clips"]}
    for path in definition.embedded:
        _embed(spec, path)
    for name in definition.timelines:
        spec["properties"][name] = _timeline() | {"description": spec["properties"][name]["description"]}
    schema["properties"] = schema["properties"] | {
        **_TYPE_META,
        "spec": worded({**spec, "properties": spec["properties"] | templated}, "spec"),
    }
    if definition.has_status:
        schema["properties"]["status"] = without_defaults(schema["properties"]["status"])
    if definition.rules:
        schema["x-kubernetes-validations"] = [rule.to_dict() for rule in definition.rules]
    return schema


def _timeline() -> Schema:
    """Return the schema of what of a VideoJob's spec is rendered."""
    whole = without_transition_rules(resource_schema(VIDEOJOB)["properties"]["spec"])
    fields = {name: whole["properties"][name] for name in TEMPLATED_FIELDS}
    return {"type": "object", "properties": fields, "required": ["clips"]}


def _embed(spec: Schema, path: tuple[str, ...]) -> None:
    """Put the schema of a VideoJob's spec in place of a free object, with its description."""
    *parents, last = path
    holder = spec
    for name in parents:
        holder = holder["properties"][name]
    described = {"description": holder["properties"][last]["description"]}
    whole = resource_schema(VIDEOJOB)["properties"]["spec"]
    holder["properties"][last] = without_transition_rules(whole) | described
