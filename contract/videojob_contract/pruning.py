"""What to do with fields that this version has no name for: the definitions may be newer than the program that reads.

The API server leaves out what its definitions do not have, so that a field which a program does not know is no misspelt
one, but of a later version: perhaps only a default.
"""

from collections.abc import Mapping
from typing import Any

from videojob_contract.problems import join_path
from videojob_contract.resources.base import Model, models_in


def prune(document: Mapping[str, Any], model: type[Model]) -> tuple[dict[str, Any], list[str]]:
    """Leave out the fields that a model does not have; what is below a field of another type stays.

    Args:
        document: a resource as the API server has it, or a part of one.
        model: what it is to be read as.

    Returns:
        what is left, and the paths of what is not.
    """
    left_out: list[str] = []
    return _pruned(document, [model], (), left_out), left_out


def _pruned(value: Any, models: list[type[Model]], path: tuple[str | int, ...], left_out: list[str]) -> Any:
    if isinstance(value, list):
        return [_pruned(item, models, (*path, number), left_out) for number, item in enumerate(value)]
    if not isinstance(value, Mapping) or not models:
        return value
    fields: dict[str, list[type[Model]]] = {}
    for model in models:
        for field in model.model_fields.values():
            fields.setdefault(str(field.alias), []).extend(models_in(field.annotation))
    kept = {}
    for name, item in value.items():
        if name in fields:
            kept[name] = _pruned(item, fields[name], (*path, name), left_out)
        else:
            left_out.append(join_path((*path, name)))
    return kept
