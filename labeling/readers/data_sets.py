"""Data sets that the `datasets` package reads: by name from the Hugging Face hub, or from a folder; row by row."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labeling.errors import InputError
from labeling.readers.arrow import batch_rows
from labeling.readers.data_files import expect_all_read, file_rows, is_plain
from labeling.readers.parquet import BATCH_ROWS, expect_no_bombs
from labeling.readers.records import Record
from labeling.readers.refusals import Refusal

PREFIX = "hf:"
NAME = re.compile(r"(?P<path>[\w][\w.-]*(/[\w][\w.-]*)?)(/(?P<config>[\w.-]+))?(:(?P<split>[\w.-]+))?")
# What `datasets` says where one is to be named.
CONFIGURATIONS = re.compile(r"Config name is missing[^\[]*\[([^\]]*)")
HUB_SECONDS = 20.0
LOCAL = (".", "/", "~")


@dataclass(frozen=True, slots=True)
class Contents:
    """The rows of a data set. `is_uneven`: one may have columns that others have not."""

    rows: Iterator[Record | Refusal]
    is_uneven: bool = False


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set: its name on the hub or its folder, with the configuration and the split where they were named."""

    path: str
    config: str | None = None
    split: str | None = None
    is_local: bool = False

    @property
    def title(self) -> str:
        if self.is_local:
            return self.path + (f":{self.split}" if self.split else "")
        config, split = f"/{self.config}" if self.config else "", f":{self.split}" if self.split else ""
        return f"{PREFIX}{self.path}{config}{split}"


def data_set_named(text: str, *, is_local_allowed: bool = True) -> DataSet:
    """`hf:org/name`, `hf:org/name:split`, `hf:org/name/config:split`, or `hf:./folder[:split]` where that is allowed.

    Raises:
        InputError: it is none of these.
    """
    name = text.removeprefix(PREFIX).strip()
    if name.startswith(LOCAL):
        if not is_local_allowed:
            raise InputError(f"{text!r} is a folder of the server. Name a data set of the hub: hf:org/name[:split].")
        path, split = name, None
        if not Path(path).expanduser().is_dir() and ":" in path:
            path, _, split = path.rpartition(":")
        return folder(Path(path).expanduser(), split)
    found = NAME.fullmatch(name)
    if found is None:
        raise InputError(f"{text!r} names no data set. Write hf:org/name or hf:org/name:split, or hf:./folder.")
    if Path(found["path"]).is_dir():
        # `datasets` would read the folder where the hub was meant.
        raise InputError(f"{found['path']} is a folder here. Write hf:./{found['path']} to read it, or go elsewhere.")
    return DataSet(found["path"], found["config"], found["split"])


def folder(path: Path, split: str | None = None) -> DataSet:
    """A folder of data files, or one that `save_to_disk` wrote.

    Raises:
        InputError: there is no such folder.
    """
    if not path.is_dir():
        raise InputError(f"There is no folder {path}. Write hf:org/name for a data set of the hub.")
    return DataSet(str(path), split=split, is_local=True)


def data_set_opened(data_set: DataSet, encoding: str = "utf-8") -> Contents:
    """Find out what the split consists of; its rows have their numbers from 1.

    Raises:
        InputError: the hub or the data set cannot be reached or read, or it has several splits and none was named; also
            from the rows.
    """
    try:
        found = _contents(data_set, encoding)
    except InputError:
        raise
    except Exception as error:  # faults of five libraries come through `datasets`
        raise _sentence(data_set, error, 0) from error
    return Contents(_numbered(data_set, found.rows), found.is_uneven)


def _numbered(data_set: DataSet, rows: Iterator[Record | Refusal]) -> Iterator[Record | Refusal]:
    number = 0
    try:
        for row in rows:
            number += 1
            yield replace(row, line=number) if isinstance(row, Refusal) else (number, row[1])
    except InputError:
        raise
    except Exception as error:  # as above
        raise _sentence(data_set, error, number) from error


def _contents(data_set: DataSet, encoding: str) -> Contents:
    import datasets

    datasets.disable_progress_bars()
    folder = Path(data_set.path).resolve()  # of which `datasets` wants to know the name
    if data_set.is_local and any((folder / name).exists() for name in ("dataset_dict.json", "state.json")):
        return Contents(_arrow_rows(_split(data_set, datasets.load_from_disk(str(folder)))))
    if not data_set.is_local:
        _ask_hub(data_set.path)
        return Contents(
            _arrow_rows(_split(data_set, datasets.load_dataset(data_set.path, data_set.config, streaming=True)))
        )
    builder = datasets.load_dataset_builder(str(folder))
    expect_all_read(folder, builder.config.data_files)
    if is_plain(builder.config):
        files = [Path(name) for name in _split(data_set, builder.config.data_files)]
        return Contents(file_rows(files, folder, encoding), is_uneven=True)
    for path in sorted(folder.rglob("*.parquet")):
        expect_no_bombs(path)  # `datasets` takes in whole row groups
    return Contents(_arrow_rows(_split(data_set, builder.as_streaming_dataset())))


def _split(data_set: DataSet, found: Any) -> Any:
    """The split to read, of what has some."""
    if isinstance(found, Mapping):
        return found[_chosen(data_set, [str(name) for name in found])]
    if data_set.split is not None:
        raise InputError(f"{data_set.title} has no splits. Leave ':{data_set.split}' out.")
    return found


def _arrow_rows(found: Any) -> Iterator[Record | Refusal]:
    """What `datasets` read, as Arrow has it: pictures and sounds are no text, and need not be unpacked."""
    for table in found.with_format("arrow").iter(BATCH_ROWS):
        for batch in table.to_batches():
            yield from batch_rows(batch, 1)


def _ask_hub(name: str) -> None:
    """Raise at once where the hub or the data set is not there: `datasets` would try for half a minute."""
    from huggingface_hub import HfApi

    HfApi().dataset_info(name, timeout=HUB_SECONDS)


def _chosen(data_set: DataSet, splits: list[str]) -> str:
    wanted = data_set.split or (splits[0] if len(splits) == 1 else "train")
    if wanted not in splits:
        said = f"no split {wanted!r}" if data_set.split else "several splits"
        example = replace(data_set, split=splits[0]).title
        if data_set.is_local and not example.startswith(LOCAL):
            example = f"./{example}"
        raise InputError(
            f"{data_set.title} has {said}. It has: {', '.join(splits)}. Write the one to read behind a colon, such as"
            f" {PREFIX}{example.removeprefix(PREFIX)}."
        )
    return wanted


def _sentence(data_set: DataSet, error: Exception, rows: int) -> InputError:
    words = str(error).strip().partition("\n")[0][:300].rstrip(".")
    kinds = {one.__name__ for one in type(error).__mro__}
    after = f" after row {rows:,}" if rows else ""
    several = CONFIGURATIONS.search(str(error))
    if data_set.is_local and several:
        return InputError(
            f"{data_set.path} has several configurations: {several[1]}. Import the files of one, or the folder they lie in:"
            " the README.md says which they are."
        )
    if data_set.is_local:
        return InputError(
            f"{data_set.path} cannot be read as a data set{after} ({words}). It needs files of JSONL, JSON, CSV or"
            " Parquet with the same columns; one of them can also be imported by itself."
        )
    if "DatasetNotFoundError" in kinds or "RepositoryNotFoundError" in kinds or "GatedRepoError" in kinds:
        return InputError(
            f"{data_set.title} is not on the hub, or is not open to you. Check its name, accept its terms there, and"
            " give your token in HF_TOKEN."
        )
    if several or "BuilderConfig" in words:
        named = several[1] if several else words
        return InputError(f"{data_set.title} has several configurations: {named}. Write hf:org/name/CONFIGURATION.")
    if kinds & {"ConnectionError", "OfflineModeIsEnabled", "TransportError", "TimeoutError", "HfHubHTTPError"}:
        return InputError(
            f"The hub cannot be reached for {data_set.title}{after} ({words}). Check the connection, or download the data set and"
            " import its files."
        )
    return InputError(f"{data_set.title} cannot be read{after} ({words}). Download its files and import them.")
