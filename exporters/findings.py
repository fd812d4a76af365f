"""What a check finds: each fault with its line, its field and what to do about it."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


class Fault(NamedTuple):
    """What is wrong with one record. An error is refused by a service; a warning is taken, but seldom meant."""

    field: str
    message: str
    remedy: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and where it is. `line` counts from 1; None where the whole file is meant. `field` may be ""."""

    line: int | None
    field: str
    message: str
    remedy: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = ", ".join(part for part in (f"line {self.line}" if self.line else "", self.field) if part)
        return f"{place}: {self.message}. {self.remedy}." if place else f"{self.message}. {self.remedy}."


class CheckFailed(Exception):
    """The files did not pass their own check; nothing is kept. `findings` holds the errors."""

    def __init__(self, findings: list[Finding]) -> None:
        first = findings[0]
        more = f" {len(findings) - 1} more like it." if len(findings) > 1 else ""
        super().__init__(f"{first.message}. {first.remedy}.{more}")
        self.findings = findings
