"""Train and validation: by group, never by row."""

import hashlib

# A loss on fewer rows than this says nothing, and OpenAI takes no file below it.
LEAST_VALIDATION_ROWS = 10


def is_validation(group: str, *, seed: int, share: float) -> bool:
    """Whether the rows of `group` go to the validation file; `share` is 0 to 1.

    The answer depends on the group and the seed alone: it stays the same as data is added, and a larger share only adds
    groups to the validation file.
    """
    if share <= 0:
        return False
    digest = hashlib.blake2b(f"{seed}:{group}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64
