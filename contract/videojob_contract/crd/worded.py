"""Rules in place of patterns, so that what the API server says of a wrong text is for people.

Of a pattern it says that the text should match it. A rule says what is wanted, with the value in it, in the words of
`problems`, which the operator and the command line have too. What may be of any type, a number or a template, can have
no rule: see `templated`.
"""

from __future__ import annotations

import re

from videojob_contract.crd.structural import Schema, UnknownSchemaError
from videojob_contract.crd.templated import TEMPLATE_PATTERN, bounds
from videojob_contract.problems import WANTED
from videojob_contract.resources.base import URI_PATTERN

TEMPLATE_IN_RULES = "{{.+}}"
"""A template, as short as it can be: the server estimates what a rule costs by the length of its pattern."""
_LONGEST_SHOWN = 60
_SHOWN = f"'\"' + (self.size() > {_LONGEST_SHOWN} ? self.substring(0, {_LONGEST_SHOWN}) + '…' : self) + '\"'"
# A signed URL is a secret, and what the server says is kept by programs that apply manifests.
_SHOWN_URI = f"(self.matches('[?#@]') ? 'it' : {_SHOWN})"
_CHOICES = re.compile(r"\^\(([\w-]+(?:\|[\w-]+)*)\)\$")


def worded(schema: Schema, path: str) -> Schema:
    """Return a structural schema with a rule in place of each pattern.

    Raises:
        UnknownSchemaError: with the path of a pattern that no words are known for.
    """
    out = dict(schema)
    if "properties" in schema:
        out["properties"] = {name: worded(each, f"{path}.{name}") for name, each in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            out[key] = worded(schema[key], f"{path}[]")
    if "pattern" not in schema or schema.get("x-kubernetes-preserve-unknown-fields"):
        return out
    pattern = out.pop("pattern")
    base = pattern.removesuffix(TEMPLATE_PATTERN).removesuffix("|")
    short = pattern.replace("[0-9]", r"\d").replace(TEMPLATE_PATTERN, TEMPLATE_IN_RULES)
    matches = f"self.matches(r'{short}')"
    if schema.get("x-kubernetes-int-or-string"):
        matches = f"type(self) == int || {matches}"
        shown, words = "'\"' + string(self) + '\"'", f"is not an integer{bounds(schema)}{_alternatives(base, pattern)}"
    else:
        shown, words = _SHOWN_URI if base == URI_PATTERN else _SHOWN, _words(base, path)
    rule = {"rule": matches, "message": words, "messageExpression": f"{shown} + {_literal(f' {words}')}"}
    return out | {"x-kubernetes-validations": [*schema.get("x-kubernetes-validations", ()), rule]}


def _words(base: str, path: str) -> str:
    if base in WANTED:
        return WANTED[base]
    choices = _CHOICES.fullmatch(base)
    if choices is None:
        raise UnknownSchemaError(f"{path}: no words for the pattern {base}")
    return f"is none of {choices[1].replace('|', ', ')}"


def _alternatives(base: str, pattern: str) -> str:
    """Return what a text may say where a number is wanted: a word, as `^auto$` wants, or a template."""
    word = base.strip("^$")
    return "".join([f" or {word}" if word else "", ", or a template" if TEMPLATE_PATTERN in pattern else ""])


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
