"""Text of strangers in the cells of a CSV file."""

import re

# What a spreadsheet would run as a formula when it opens the file.
FORMULA = re.compile(r"[\t\r]|\s*[=+\-@]")


def safe_cell(text: str) -> str:
    """`text` as no spreadsheet takes it for a formula: with an apostrophe before it, where it looks like one."""
    return f"'{text}" if FORMULA.match(text) else text
