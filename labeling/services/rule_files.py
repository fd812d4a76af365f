"""Label rules that were written to a file, and other small texts that people hand over."""

import json
import tomllib
from pathlib import Path

from labeling.errors import InputError
from labeling.services.label_rules import LabelRules, read_rules


def read_rules_file(path: Path) -> LabelRules:
    """Rules from a TOML or JSON file; TOML may have them in a table `[rules]`.

    Raises:
        InputError: it cannot be read, is neither, or has an unknown rule.
    """
    text = read_text(path)
    try:
        given = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        raise InputError(f'{path} is neither TOML nor JSON ({error}). Write lines such as: who = "people"') from error
    rules = given.get("rules", given)
    if not isinstance(rules, dict):
        raise InputError(f'{path}: rules is no table. Write lines such as: who = "people"')
    try:
        return read_rules(rules)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_text(path: Path) -> str:
    """Raises InputError where the file cannot be read as UTF-8 text."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start + 1}). Save it as UTF-8.") from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}). Check its name and your right to read it."
        ) from error
