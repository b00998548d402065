"""Paths into payloads lead where RFC 9535 says; filters and parameters take what is there, and nothing that is not."""

from typing import Any

import jsonpath_rfc9535 as jsonpath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from videojob_contract.resources.videohook import HookedJob, HookFilters
from videojob_gateway.errors import InvalidRequestError
from videojob_gateway.hooks.payloads import parameters_of, values_at, why_ignored

PAYLOAD: dict[str, Any] = {
    "action": "published",
    "release": {"name": "Spring", "draft": False, "id": 1, "size": 1.5, "body": None, "assets": []},
    "labels": [{"name": "film"}, {"name": "bug"}],
    "a b": {"ß": [1, [2, 3]]},
}
_NAMES = st.sampled_from(["a", "b", "a b", "ß", "_1"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=20,
)
_STEPS = st.lists(
    st.sampled_from([".a", ".b", "._1"])
    | _NAMES.map(lambda name: f'["{name}"]')
    | st.integers(0, 3).map(lambda index: f"[{index}]")
    | st.just("[*]"),
    max_size=5,
)


@given(_JSON, _STEPS)
def test_a_path_leads_where_the_library_of_rfc_9535_goes(payload: Any, steps: list[str]) -> None:
    path = "$" + "".join(steps)
    wanted = jsonpath.find(path, payload).values() if isinstance(payload, dict | list) or steps else [payload]
    assert values_at(path, payload) == wanted


def filters(**fields: Any) -> HookFilters:
    return HookFilters.model_validate(fields, by_alias=True)


@pytest.mark.parametrize(
    ("path", "values", "passes"),
    [
        ("$.action", ["published", "edited"], True),
        ("$.action", ["edited"], False),
        ("$.labels[*].name", ["film"], True),
        ("$.labels[0].name", ["bug"], False),
        ("$.labels[9].name", ["bug"], False),
        ("$.release.draft", [False], True),
        ("$.release.draft", [0], False),
        ("$.release.id", [True], False),
        ("$.release.id", [1.0], True),
        ("$.release.id", ["1"], False),
        ("$.release.body", None, False),
        ("$.release.assets", None, True),
        ("$.release.assets[*]", None, False),
        ("$.release.name.more", None, False),
        ("$.none", None, False),
    ],
)
def test_a_filter_passes_what_has_one_of_its_values(path: str, values: Any, passes: bool) -> None:  # noqa: FBT001
    why = why_ignored(filters(payload=[{"path": path, "values": values}]), Headers({}), PAYLOAD)
    assert (why == "") is passes
    assert passes or path in why


def test_all_filters_are_to_be_passed_and_the_first_that_is_not_is_said() -> None:
    both = filters(
        headers=[{"name": "X-GitHub-Event", "values": ["release", "push"]}],
        payload=[{"path": "$.action", "values": ["x"]}],
    )
    assert why_ignored(both, Headers({}), PAYLOAD) == "the header X-GitHub-Event is not one of release, push"
    assert why_ignored(both, Headers({"x-github-event": "push"}), PAYLOAD) == "what is at $.action is not x"
    assert why_ignored(both, Headers({"x-github-event": "push"}), {"action": "x"}) == ""


def parameters(*items: dict[str, Any]) -> dict[str, Any]:
    job = HookedJob.model_validate({"templateRef": {"name": "a"}, "parameters": list(items)}, by_alias=True)
    return parameters_of(job.parameters, PAYLOAD)


def test_parameters_have_what_is_at_their_paths() -> None:
    found = parameters(
        {"name": "name", "path": "$.release.name"},
        {"name": "draft", "path": "$.release.draft", "value": True},
        {"name": "size", "path": "$.release.size"},
        {"name": "body", "path": "$.release.body", "value": "none"},
        {"name": "label", "path": "$.labels[1].name"},
        {"name": "constant", "value": 7},
    )
    assert found == {"name": "Spring", "draft": False, "size": 1.5, "body": "none", "label": "bug", "constant": 7}


def test_every_parameter_without_a_value_is_said() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parameters(
            {"name": "a", "path": "$.release.body"},
            {"name": "fine", "path": "$.action"},
            {"name": "b", "path": "$.labels[*].name"},
            {"name": "c", "path": "$.release"},
            {"name": "d", "path": "$.labels", "value": "x"},
        )
    assert [problem.path for problem in caught.value.problems] == [f"spec.job.parameters[{n}]" for n in (0, 2, 3, 4)]


def test_a_text_that_is_too_long_is_no_value() -> None:
    job = HookedJob.model_validate(
        {"templateRef": {"name": "a"}, "parameters": [{"name": "a", "path": "$"}]}, by_alias=True
    )
    assert parameters_of(job.parameters, "x" * 4096) == {"a": "x" * 4096}
    with pytest.raises(InvalidRequestError, match="at most 4096"):
        parameters_of(job.parameters, "x" * 4097)
