"""`provenance.jsonl`: for each row the pair, the raters and labels it rests on, and who wrote its sides."""

from typing import Any, TypeAlias

from exporters.rows import CompletionRow, RowOrigin

# What one line says. Its place in the files, which comes first, is filled in when the row is written.
Told: TypeAlias = dict[str, Any]
PLACE: Told = {"split": "", "part": 0, "line": 0}


def told_of(origin: RowOrigin) -> Told:
    """What is said of a row that is a pair."""
    return PLACE | {
        "pair": origin.pair,
        "prompt": origin.group,
        "raters": origin.raters,
        "decided_by": origin.decided_by,
        "labels": origin.labels,
        "strength": origin.strength,
        "agreed": origin.agreed,
        "chosen_id": origin.chosen_id,
        "rejected_id": origin.rejected_id,
        "chosen_by": origin.chosen_by,
        "rejected_by": origin.rejected_by,
        "sandbox": origin.sandbox,
    }


def told_of_piece(origin: RowOrigin, piece: CompletionRow) -> Told:
    """What is said of a row that is one completion; `pair` is the first pair it stood in."""
    mine, other = ("chosen", "rejected") if piece.is_first else ("rejected", "chosen")
    return PLACE | {
        "pair": origin.pair,
        "prompt": origin.group,
        "raters": origin.raters,
        "decided_by": origin.decided_by,
        "labels": origin.labels,
        "strength": origin.strength,
        "agreed": origin.agreed,
        "desirable": piece.is_desirable,
        "completion_id": origin.chosen_id if piece.is_first else origin.rejected_id,
        "written_by": origin.chosen_by if piece.is_first else origin.rejected_by,
        "sandbox": tuple("completion" if part == mine else part for part in origin.sandbox if part != other),
    }
