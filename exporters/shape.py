"""Lines of ordinary pairs, put together from pieces.

Nearly every pair is the same simple thing: turns of text, and two texts. Around these a format writes the same bytes in
every line, so that the line can be made without the objects which the format's function makes, and is the same byte for
byte. Whether a pair is ordinary is asked of the finished line (`LineCheck.plain`); others go through the function.
"""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from exporters.jsonl import json_line
from exporters.rows import PreferenceRow


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands before the messages of the prompt, before the two texts, and at the end of a line."""

    before: bytes
    chosen: bytes
    rejected: bytes
    end: bytes

    def line(self, messages: str, chosen: str, rejected: str) -> bytes | None:
        """The line; `messages` is JSON without spaces. None where a text is no Unicode."""
        try:
            return b"".join(
                (
                    self.before,
                    messages.encode(),
                    self.chosen,
                    orjson.dumps(chosen),
                    self.rejected,
                    orjson.dumps(rejected),
                    self.end,
                )
            )
        except (orjson.JSONEncodeError, UnicodeEncodeError):
            return None


def shape_of(record: Callable[[PreferenceRow], object]) -> Shape:
    """The shape of a format that writes plain messages as they are, and each text once, the chosen one first."""
    prompt, chosen, rejected = {"role": "user", "content": "the prompt"}, "the better text", "the worse text"
    line = json_line(record(PreferenceRow((prompt,), chosen, rejected)))
    before, line = line.split(orjson.dumps([prompt]))
    middle, line = line.split(orjson.dumps(chosen))
    between, end = line.split(orjson.dumps(rejected))
    return Shape(before, middle, between, end)
