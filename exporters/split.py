"""Train and validation: by group, never by row."""

import hashlib

# A loss on fewer rows than this says nothing, and OpenAI takes no file below it.
LEAST_VALIDATION_ROWS = 10


class Split:
    """Which groups go to the validation file; `share` is 0 to 1.

    The answer depends on the group and the seed alone: it stays the same as data is added, and a larger share only adds
    groups to the validation file.
    """

    def __init__(self, *, seed: int, share: float) -> None:
        self._begun = hashlib.blake2b(f"{seed}:".encode(), digest_size=8)
        # Digests compare as numbers do: the greatest byte first.
        self._below = min(round(share * 2**64), 2**64 - 1).to_bytes(8, "big")
        self._is_asked = share > 0

    def place(self, group: str) -> bytes:
        """Where the group stands among all, as bytes that compare: those with the least go to validation first."""
        digest = self._begun.copy()
        digest.update(group.encode())
        return digest.digest()

    def is_validation(self, group: str) -> bool:
        """Whether the rows of `group` go to the validation file."""
        return self._is_asked and self.place(group) < self._below


def is_validation(group: str, *, seed: int, share: float) -> bool:
    """As `Split.is_validation`, for a single question."""
    return Split(seed=seed, share=share).is_validation(group)
