"""Further headers of an endpoint: written with `${VARIABLE}` where a secret stands, and filled in when they are sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from labeling.errors import InputError
from labeling.llm.keys import key_value

PLACE = re.compile(r"\$\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers as they are sent, names in lower case. `secrets` are what the variables held: nothing may repeat them."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


NO_HEADERS = Headers()


def variables_in(value: str) -> list[str]:
    """The variables whose values stand in a header."""
    return list(dict.fromkeys(PLACE.findall(value)))


def filled(written: Mapping[str, str]) -> Headers:
    """Headers with the values of their variables, to be handed to a client and to nothing else.

    Raises:
        InputError: a variable is not set, or holds what no header can.
    """
    secrets: dict[str, str] = {}
    for name, value in written.items():
        for variable in variables_in(value):
            try:
                secrets[variable] = key_value(variable) or ""
            except InputError as error:
                raise InputError(f"The header {name} cannot be sent: {error}") from error
    values = {name: PLACE.sub(lambda place: secrets[place[1]], value) for name, value in written.items()}
    return Headers(values, tuple(secrets.values()))
