"""Generators and judges as people write them, in TOML or a form (DESIGN section 9)."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labeling.domain import GeneratorSpec, JudgeSpec
from labeling.errors import InputError
from labeling.judging.rubrics import RUBRICS
from labeling.services.headers import checked_headers
from labeling.services.spec_fields import COMMON, SANDBOX, common_fields, known, quoted, text_field

GENERATOR_KEYS = (*COMMON, "system_prompt")
JUDGE_KEYS = (*COMMON, "rubric", "orders", "offers_both_bad", "uses_reference")


def read_generators(data: bytes | str, where: str) -> tuple[GeneratorSpec, ...]:
    """Read a generators file. `where` is its name in faults. Raises InputError."""
    document = _document(data, where)
    tables = document.pop("generator", None)
    if document:
        raise InputError(
            f"{where}: {quoted(document)} is not known at the top; a generators file holds [[generator]] tables only."
        )
    if isinstance(tables, Mapping):
        raise InputError(
            f"{where}: [generator] is one table; write [[generator]] with two brackets, once for each generator."
        )
    if not isinstance(tables, list) or not tables or not all(isinstance(table, Mapping) for table in tables):
        raise InputError(f"{where}: there is no [[generator]] table; write one for each model and way to ask it.")
    specs = [generator_spec(table, f"{where}, generator {number}") for number, table in enumerate(tables, 1)]
    check_distinct(specs, where)
    check_headers_agree(specs, where)
    return tuple(specs)


def read_judge(data: bytes | str, where: str, folder: Path | None = None) -> JudgeSpec:
    """Read a file of one judge; see `read_judges`."""
    judges = read_judges(data, where, folder)
    if len(judges) > 1:
        raise InputError(f"{where}: there are {len(judges)} judges in the file; keep the one that is meant.")
    return judges[0]


def read_judges(data: bytes | str, where: str, folder: Path | None = None) -> tuple[JudgeSpec, ...]:
    """Read a judge file: one [judge] table, or a [[judge]] table for each judge of a jury.

    `rubric = { file = … }` is looked up in `folder`, and refused where there is none.
    """
    document = _document(data, where)
    tables = document.pop("judge", None)
    if document:
        raise InputError(
            f"{where}: {quoted(document)} is not known at the top; a judge file holds a [judge] table, or [[judge]] tables."
        )
    if isinstance(tables, Mapping):
        return (judge_spec(tables, f"{where}, judge", folder),)
    if not isinstance(tables, list) or not tables or not all(isinstance(table, Mapping) for table in tables):
        raise InputError(f"{where}: there is no [judge] table; write one.")
    specs = tuple(judge_spec(table, f"{where}, judge {number}", folder) for number, table in enumerate(tables, 1))
    check_headers_agree(specs, where)
    return specs


def generator_spec(table: Mapping[str, Any], where: str) -> GeneratorSpec:
    """One table as a generator: from a file or a form. Raises InputError that starts with `where`."""
    known(table, GENERATOR_KEYS, where)
    system_prompt = text_field(table, "system_prompt", where)
    return GeneratorSpec(system_prompt=system_prompt, headers=_headers(table, where), **common_fields(table, where))


def judge_spec(table: Mapping[str, Any], where: str, folder: Path | None = None) -> JudgeSpec:
    """One table as a judge. Raises InputError that starts with `where`."""
    known(table, JUDGE_KEYS, where)
    rubric, offers = _rubric(table.get("rubric"), where, folder)
    orders = table.get("orders", "both")
    if orders not in ("both", "random"):
        raise InputError(f'{where}: orders must be "both" (each pair is read twice, sides swapped) or "random".')
    offers = table.get("offers_both_bad", offers)
    if not isinstance(offers, bool):
        raise InputError(f"{where}: offers_both_bad must be true or false.")
    reference = table.get("uses_reference", True)
    if not isinstance(reference, bool):
        raise InputError(f"{where}: uses_reference must be true or false.")
    common = common_fields(table, where)
    if "response_format" in common["parameters"]:
        raise InputError(f"{where}: response_format is set by Tiebreak for judges; leave it out.")
    return JudgeSpec(
        rubric=rubric, orders=orders, offers_both_bad=offers, uses_reference=reference, headers=_headers(table, where), **common
    )  # fmt: skip


def check_headers_agree(specs: Sequence[GeneratorSpec | JudgeSpec], where: str) -> None:
    """Refuse two tables that write different headers for one endpoint: its headers go with every request to it."""
    written: dict[str, GeneratorSpec | JudgeSpec] = {}
    for spec in specs:
        if spec.headers is None:
            continue
        first = written.setdefault(spec.base_url, spec)
        if first.headers != spec.headers:
            raise InputError(
                f"{where}: {first.name} and {spec.name} write different headers for {spec.base_url}; headers go with every "
                "request to an endpoint, so write them once."
            )


def check_distinct(specs: Sequence[GeneratorSpec], where: str) -> None:
    """Refuse two generators of one name or one identity: their replies could not be told apart."""
    for number, spec in enumerate(specs, 1):
        for other, earlier in enumerate(specs[: number - 1], 1):
            if spec.name == earlier.name:
                raise InputError(
                    f'{where}: generators {other} and {number} are both called "{spec.name}"; give each its own name.'
                )
            if spec.digest == earlier.digest:
                raise InputError(
                    f"{where}: generators {other} ({earlier.name}) and {number} ({spec.name}) are the same model asked in the "
                    "same way; remove one and raise samples of the other, or change a parameter or the system prompt."
                )


def _headers(table: Mapping[str, Any], where: str) -> dict[str, str] | None:
    if "headers" not in table:
        return None
    if table.get("base_url") == SANDBOX:
        raise InputError(f"{where}: the sandbox reads no headers; leave them out.")
    return checked_headers(table["headers"], where)


def _rubric(value: object, where: str, folder: Path | None) -> tuple[str, bool]:
    ready = ", ".join(RUBRICS)
    if isinstance(value, Mapping):
        return _rubric_file(value, where, folder), False
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}: rubric is missing; name a ready one ({ready}), or write what to compare by.")
    if value.strip() in RUBRICS:
        rubric = RUBRICS[value.strip()]
        return rubric.text, rubric.offers_both_bad
    if len(value.split()) < 3:
        raise InputError(
            f"{where}: there is no ready rubric of that name; ready are {ready}, or write what to compare by."
        )
    return value.strip(), False


def _rubric_file(value: Mapping[str, Any], where: str, folder: Path | None) -> str:
    name = value.get("file")
    if set(value) != {"file"} or not isinstance(name, str):
        raise InputError(f'{where}: rubric must be text or {{ file = "rubric.md" }}.')
    if folder is None:
        raise InputError(f"{where}: a rubric file can be read by the command only; paste its text as the rubric here.")
    try:
        text = (folder / name).read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError, ValueError):
        raise InputError(
            f'{where}: the rubric file "{name}" cannot be read as UTF-8 text beside the judge file; check its name.'
        ) from None
    if not text:
        raise InputError(f'{where}: the rubric file "{name}" is empty; write what to compare by.')
    return text


def _document(data: bytes | str, where: str) -> dict[str, Any]:
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        return tomllib.loads(text)
    except UnicodeDecodeError:
        raise InputError(f"{where}: the file is not UTF-8 text; save it as UTF-8.") from None
    except (ValueError, RecursionError) as error:
        place = re.search(r"\(at (.*?)\)", str(error))
        raise InputError(
            f"{where}: this is not TOML{f' at {place[1]}' if place else ''}; texts stand in quotes, and each table begins with its [[name]]."
        ) from None
