"""Lines of ordinary pairs, put together from pieces.

Nearly every pair is the same simple thing: turns of text, and two texts. Around these a format writes the same bytes in
every line, so that the line can be made without the objects which the format's function makes, and is the same byte for
byte. What is put in is checked before, by the rules for a record that was read from a file: what is put together of sound
JSON needs no reading again. Other pairs go through the function.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from exporters.jsonl import json_line
from exporters.plain import PlainPair, is_plain_prompt, is_plain_question
from exporters.rows import Message, PreferenceRow


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands before the messages of the prompt, before the two texts, and at the end of a line."""

    before: bytes
    chosen: bytes
    rejected: bytes
    end: bytes

    def line(self, messages: str, chosen: str, rejected: str) -> tuple[bytes, PlainPair] | None:
        """As `around`, of a prompt that is stored as JSON, spelled as orjson writes it."""
        try:
            if is_plain_question(messages) or is_plain_prompt(orjson.loads(messages)):
                return self._joined(messages.encode(), chosen, rejected)
        except (orjson.JSONDecodeError, orjson.JSONEncodeError, UnicodeEncodeError):  # no JSON, no Unicode
            pass
        return None

    def around(self, prompt: Sequence[Message], chosen: str, rejected: str) -> tuple[bytes, PlainPair] | None:
        """The line of an ordinary pair, and the parts that a check finds in it; None where it is not an ordinary one."""
        try:
            return self._joined(orjson.dumps(prompt), chosen, rejected) if is_plain_prompt(prompt) else None
        except orjson.JSONEncodeError:  # no Unicode
            return None

    def _joined(self, messages: bytes, chosen: str, rejected: str) -> tuple[bytes, PlainPair] | None:
        if chosen == rejected or not chosen or not rejected or chosen.isspace() or rejected.isspace():
            return None
        dumps = orjson.dumps
        line = (self.before, messages, self.chosen, dumps(chosen), self.rejected, dumps(rejected), self.end)
        return b"".join(line), (messages, chosen, rejected)


def shape_of(record: Callable[[PreferenceRow], object]) -> Shape:
    """The shape of a format that writes plain messages as they are, and each text once, the chosen one first."""
    prompt, chosen, rejected = {"role": "user", "content": "the prompt"}, "the better text", "the worse text"
    line = json_line(record(PreferenceRow((prompt,), chosen, rejected)))
    before, line = line.split(orjson.dumps([prompt]))
    middle, line = line.split(orjson.dumps(chosen))
    between, end = line.split(orjson.dumps(rejected))
    return Shape(before, middle, between, end)
