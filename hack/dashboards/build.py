"""From what a dashboard shows, as data, to Grafana's own model."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    logs,
    loki,
    prometheus,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, StackingMode, VisibilityMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
LOGS = DataSourceRef(type_val="loki", uid="${loki}")
_HEIGHT = 8


class Kind(Enum):
    """How a panel draws its queries."""

    LINES = "over time"
    STACK = "over time, one on the other"
    NUMBER = "its latest value"
    BARS = "a bar for each"
    HEAT = "how many in each bucket, over time"
    STATES = "a band for each, as long as it is so"
    LINES_OF_LOG = "what was logged"


@dataclass(frozen=True)
class Query:
    """An expression of PromQL, or of LogQL for what was logged; and what its series are called, such as `{{pool}}`."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel."""

    title: str
    question: str
    """What it answers; its description in Grafana."""
    queries: tuple[Query, ...]
    unit: str = "short"
    """As Grafana names it: `s`, `percentunit`, `reqps`, `bytes`…"""
    kind: Kind = Kind.LINES
    width: int = 8
    """Of 24 columns."""
    bad_above: float | None = None
    """From where on a value is red."""


@dataclass(frozen=True)
class Row:
    """Panels below one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    """What is chosen at the head of a dashboard: one of the values that a query has."""

    name: str
    query: str
    has_all: bool = False
    """Whether several of them can be chosen, and all are at first."""


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    by_pool: bool = True
    """Whether namespaces and pools are chosen at its head."""
    variables: tuple[Variable, ...] = ()
    """What else is."""


def dashboard(board: Board) -> boards.Dashboard:
    """Return Grafana's builder of a dashboard."""
    links = boards.DashboardLink("VideoJob").type(DashboardLinkType.DASHBOARDS).tags(["videojob"])
    built = (
        boards.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags(["videojob"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(links.as_dropdown(True).include_vars(True).keep_time(True))
        .with_variable(boards.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .annotation(_new_versions())
    )
    if board.by_pool:
        built.with_variable(_several("namespace", "label_values(videojob_workers, namespace)"))
        built.with_variable(_several("pool", 'label_values(videojob_workers{namespace=~"$namespace"}, pool)'))
    for variable in board.variables:
        made = _several if variable.has_all else _query_variable
        built.with_variable(made(variable.name, variable.query))
    if any(panel.kind is Kind.LINES_OF_LOG for row in board.rows for panel in row.panels):
        built.with_variable(boards.DatasourceVariable("loki").label("Loki").type("loki"))
    for row in board.rows:
        built.with_row(boards.Row(row.title))
        for panel in row.panels:
            built.with_panel(_panel(panel))
    return built


def _query_variable(name: str, query: str) -> boards.QueryVariable:
    built = boards.QueryVariable(name).label(name).query(query).datasource(SOURCE)
    return built.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)


def _several(name: str, query: str) -> boards.QueryVariable:
    return (
        _query_variable(name, query)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def _new_versions() -> boards.AnnotationQuery:
    """Mark where a version of the operator began."""
    info = "count by (version) (videojob_operator_info)"
    return (
        boards.AnnotationQuery()
        .name("new version")
        .datasource(SOURCE)
        .enable(True)
        .icon_color("blue")
        .expr(f"{info} unless {info.replace('_info', '_info offset 5m')}")
    )


def _panel(panel: Panel) -> Any:
    match panel.kind:
        case Kind.LINES | Kind.STACK:
            built: Any = timeseries.Panel().legend(_legend()).fill_opacity(40 if panel.kind is Kind.STACK else 8)
            built.line_width(1).min(0)
            if panel.kind is Kind.STACK:
                built.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
        case Kind.NUMBER:
            built = stat.Panel()
        case Kind.BARS:
            built = bargauge.Panel().min(0)
        case Kind.HEAT:
            built = heatmap.Panel()
        case Kind.STATES:
            built = statetimeline.Panel().legend(_legend().show_legend(False)).show_value(VisibilityMode.NEVER)
        case Kind.LINES_OF_LOG:
            return _log(panel)
    built.title(panel.title).description(panel.question).unit(panel.unit).datasource(SOURCE)
    built.height(_HEIGHT).span(panel.width)
    steps = [Threshold(value=None, color="green")]
    if panel.bad_above is not None:
        steps.append(Threshold(value=panel.bad_above, color="red"))
    built.thresholds(boards.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    for number, query in enumerate(panel.queries):
        built.with_target(_target(panel.kind, query, chr(ord("A") + number)))
    return built


def _log(panel: Panel) -> logs.Panel:
    built = logs.Panel().title(panel.title).description(panel.question).datasource(LOGS)
    built.height(_HEIGHT).span(panel.width).show_time(True).wrap_log_message(True)
    for number, query in enumerate(panel.queries):
        built.with_target(loki.Dataquery().ref_id(chr(ord("A") + number)).expr(query.expr))
    return built


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    return legend.show_legend(True)


def _target(kind: Kind, query: Query, ref_id: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(ref_id).expr(query.expr).legend_format(query.legend or "__auto")
    if kind in {Kind.NUMBER, Kind.BARS}:
        return target.instant()
    return target.format(PromQueryFormat.HEATMAP) if kind is Kind.HEAT else target
