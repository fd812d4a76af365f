"""Pairs of a file that are known at a glance: their lines are put together without the objects that others need."""

from collections.abc import Callable, Mapping

from exporters.formats import EXPORTERS, Format
from labeling.domain import Json, Verdict
from labeling.readers import FORMATS, Understanding
from labeling.rows import PairRow, Row

# Formats that are read whose ordinary records are those of the training file of that name, with the roles it takes.
ORDINARY = {"openai-dpo": frozenset[str](), "trl": frozenset({"prompt", "chosen", "rejected"})}


def maker(format: Format, understanding: Understanding) -> Callable[[Json, Mapping[str, str]], Row | bytes]:
    """Makes the row of a record; of an ordinary one, which is known at a glance, its line at once.

    An ordinary record has the messages and texts of a training file and nothing else. Its line is that of its row, which
    tests compare; what is mapped to other columns than those of its name is read in full.
    """
    make, shape = FORMATS[understanding.format].read, format.shape
    needed, mapping = ORDINARY.get(understanding.format), understanding.mapping
    if shape is None or needed is None or not needed <= mapping.keys() or any(one != at for one, at in mapping.items()):
        return make
    plain = EXPORTERS[understanding.format].plain

    def made(record: Json, columns: Mapping[str, str]) -> Row | bytes:
        parts = plain(record)
        line = None if parts is None else shape.around(parts[0], parts[1], parts[2] or "")
        # A NUL is refused with its reason.
        return make(record, columns) if line is None or b"\\u0000" in line[0] else line[0]

    return made


def ordinary_line(format: Format, row: PairRow) -> bytes | None:
    """The line of a decided pair of texts, put together at once; None where a closer look is needed."""
    prompt, chosen, rejected = row.prompt.prompt, row.a, row.b
    if row.verdict is Verdict.B:
        chosen, rejected = rejected, chosen
    elif row.verdict is not Verdict.A:
        return None
    if format.shape is None or prompt.tools or chosen.tool_calls or rejected.tool_calls:
        return None
    made = format.shape.around(prompt.messages, chosen.text, rejected.text)
    return None if made is None else made[0]
