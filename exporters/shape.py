"""Lines of ordinary pairs, put together from pieces.

Nearly every pair is the same simple thing: turns of text, and two texts. Around these a format writes the same bytes in
every line, so that the line can be made without the objects which the format's function makes, and is the same byte for
byte. What is put in is checked before, by the rules for a record that was read from a file: what is put together of sound
JSON needs no reading again. Other pairs go through the function.
"""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from exporters.jsonl import json_line
from exporters.plain import PlainPair, is_plain_prompt
from exporters.rows import PreferenceRow


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands before the messages of the prompt, before the two texts, and at the end of a line."""

    before: bytes
    chosen: bytes
    rejected: bytes
    end: bytes

    def line(self, messages: str, chosen: str, rejected: str) -> tuple[bytes, PlainPair] | None:
        """The line of an ordinary pair, and the parts that a check finds in it; None where it is not an ordinary one.

        `messages` is JSON as orjson writes it.
        """
        try:
            prompt = orjson.loads(messages)
            if chosen == rejected or not chosen.strip() or not rejected.strip() or not is_plain_prompt(prompt):
                return None
            pieces = (
                self.before, messages.encode(), self.chosen, orjson.dumps(chosen), self.rejected,
                orjson.dumps(rejected), self.end,
            )  # fmt: skip
        except (orjson.JSONDecodeError, orjson.JSONEncodeError, UnicodeEncodeError):  # no JSON, no Unicode
            return None
        return b"".join(pieces), (prompt, chosen, rejected)


def shape_of(record: Callable[[PreferenceRow], object]) -> Shape:
    """The shape of a format that writes plain messages as they are, and each text once, the chosen one first."""
    prompt, chosen, rejected = {"role": "user", "content": "the prompt"}, "the better text", "the worse text"
    line = json_line(record(PreferenceRow((prompt,), chosen, rejected)))
    before, line = line.split(orjson.dumps([prompt]))
    middle, line = line.split(orjson.dumps(chosen))
    between, end = line.split(orjson.dumps(rejected))
    return Shape(before, middle, between, end)
