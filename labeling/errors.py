"""The faults a user is told of, each as one sentence.

TiebreakError            shown to the user as one sentence, without a traceback
├── InputError           a file, a column, a setting or a name cannot be used as given
│   ├── NothingToAskError    everything that a run would ask for is there already
│   └── UntoldColumnsError    it is not said which columns of a file are meant
├── ForbiddenError       the actor lacks the right for this
│   └── TokenError       nobody is known by this token (any more)
├── NotFoundError        there is no such project, pair, run or export
├── ConflictError        someone or something else got there first
├── StoreError           the database is missing, locked, full or of another version
├── EndpointError        the endpoint refused, or its answer is unusable
├── ExportError          a label cannot be written in the chosen format
└── StoppedError         the one who began it has stopped it
"""


class TiebreakError(Exception):
    """Told to the user as one sentence that says what, where and how to mend it."""


class InputError(TiebreakError):
    """A file, a column, a setting or a name cannot be used as given."""


class NothingToAskError(InputError):
    """Everything that a run would ask for is there already."""


class UntoldColumnsError(InputError):
    """It is not said which columns of a file are meant. `what`: the same without how a command says it; `mapping`, role to column,
    and `format`: what a page may begin with to ask."""

    def __init__(self, what: str, remedy: str, mapping: dict[str, str], format: str = "auto") -> None:
        super().__init__(f"{what} {remedy}")
        self.what = what
        self.mapping = mapping
        self.format = format


class ForbiddenError(TiebreakError):
    """The actor lacks the right for this."""


class TokenError(ForbiddenError):
    """Nobody is known by this token, or not any more."""


class NotFoundError(TiebreakError):
    """There is no such project, pair, run or export."""


class ConflictError(TiebreakError):
    """Someone or something else got there first."""


class StoreError(TiebreakError):
    """The database is missing, locked, full or of another version."""


class EndpointError(TiebreakError):
    """The endpoint refused, or its answer is unusable."""


class ExportError(TiebreakError):
    """A label cannot be written in the chosen format."""


class StoppedError(TiebreakError):
    """The one who began it has stopped it."""
