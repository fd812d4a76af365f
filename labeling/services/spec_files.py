"""The way back: generators and judges as the TOML files that `specs` reads, for download."""

from collections.abc import Iterable, Mapping
from typing import Any

from labeling.domain import GeneratorSpec, JudgeSpec
from labeling.errors import InputError
from labeling.judging.rubrics import RUBRICS
from labeling.services.spec_fields import PACE, PARAMETERS


def generators_toml(specs: Iterable[GeneratorSpec]) -> str:
    """The file that `read_generators` reads back to the same specs."""
    return "\n".join(_table("[[generator]]", {"system_prompt": spec.system_prompt}, spec) for spec in specs)


def judge_toml(spec: JudgeSpec) -> str:
    """The file that `read_judge` reads back to the same spec."""
    ready = [name for name, rubric in RUBRICS.items() if rubric.text == spec.rubric]
    own = {
        "rubric": ready[0] if ready else spec.rubric,
        "orders": spec.orders,
        "offers_both_bad": spec.offers_both_bad,
        "uses_reference": spec.uses_reference,
    }
    return _table("[judge]", own, spec)


def _table(head: str, own: Mapping[str, Any], spec: GeneratorSpec | JudgeSpec) -> str:
    values = {"name": spec.name, "base_url": spec.base_url, "model": spec.model, "key_env": spec.key_env, **own}
    values |= {key: value for key, value in spec.parameters.items() if key in PARAMETERS}
    values |= {"samples": spec.samples} | {key: getattr(spec, key) for key in PACE}
    values["extra_body"] = {key: value for key, value in spec.parameters.items() if key not in PARAMETERS} or None
    values["headers"] = spec.headers or None
    return "\n".join([head, *(f"{key} = {_toml(value)}" for key, value in values.items() if value is not None)]) + "\n"


def _toml(value: object) -> str:
    """A value on one line of TOML. None has no spelling there and is refused where parameters are read."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _toml_text(value)
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case Mapping():
            return "{ " + ", ".join(f"{_toml_text(str(key))} = {_toml(inner)}" for key, inner in value.items()) + " }"
    raise InputError("A parameter that is null cannot be written to a TOML file; leave it out.")


def _toml_text(text: str) -> str:
    """A basic string: quotes, backslashes and control characters escaped, everything else as it is."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c for c in plain) + '"'
