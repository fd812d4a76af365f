"""Files as one zip, made while it is being sent: never whole in memory, never twice on the disk."""

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

BLOCK = 1 << 20


class _Outlet:
    """What `zipfile` writes to: a file that cannot seek, emptied as it fills."""

    def __init__(self) -> None:
        self._written = 0
        self._waiting: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._waiting.append(bytes(data))
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """Nothing to do: `taken` empties it."""

    def close(self) -> None:
        """Nothing to do, either."""

    def taken(self) -> bytes:
        data = b"".join(self._waiting)
        self._waiting.clear()
        return data


def zip_blocks(files: Iterable[Path], name: str) -> Iterator[bytes]:
    """The zip of the files, in a folder `name`, block by block. The same files give the same bytes."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
        for path in files:
            entry = zipfile.ZipInfo(f"{name}/{path.name}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while block := source.read(BLOCK):
                    target.write(block)
                    if ready := outlet.taken():
                        yield ready
    yield outlet.taken()
