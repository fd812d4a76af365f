"""Data sets that the `datasets` package reads: by name from the Hugging Face hub, or from a folder; row by row."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labeling.errors import InputError
from labeling.readers.arrow import batch_rows
from labeling.readers.parquet import BATCH_ROWS, expect_no_bombs
from labeling.readers.refusals import Refusal

PREFIX = "hf:"
NAME = re.compile(r"(?P<path>[\w][\w.-]*(/[\w][\w.-]*)?)(/(?P<config>[\w.-]+))?(:(?P<split>[\w.-]+))?")
HUB_SECONDS = 20.0
LOCAL = (".", "/", "~")
DATA_FILES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")


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


def data_set_records(data_set: DataSet) -> Iterator[tuple[int, dict[str, Any]] | Refusal]:
    """Every row of the split, with its number from 1, as it comes; a refusal of one that is too large.

    Raises:
        InputError: the hub or the data set cannot be reached or read, or it has several splits and none was named.
    """
    number = 0
    try:
        # As Arrow has them: pictures and sounds are no text, and need not be unpacked.
        for table in _split(data_set).with_format("arrow").iter(BATCH_ROWS):
            for batch in table.to_batches():
                yield from batch_rows(batch, number + 1)
                number += batch.num_rows
    except InputError:
        raise
    except Exception as error:  # faults of five libraries come through `datasets`
        raise _sentence(data_set, error, number) from error


def _split(data_set: DataSet) -> Any:
    import datasets

    datasets.disable_progress_bars()
    if not data_set.is_local:
        _ask_hub(data_set.path)
    folder = Path(data_set.path).resolve()  # of which `datasets` wants to know the name
    for path in sorted(folder.rglob("*.parquet")) if data_set.is_local else ():
        expect_no_bombs(path)  # `datasets` takes in whole row groups
    if data_set.is_local and any((folder / name).exists() for name in ("dataset_dict.json", "state.json")):
        found = datasets.load_from_disk(str(folder))
    elif data_set.is_local:
        builder = datasets.load_dataset_builder(str(folder))
        _expect_all_read(folder, builder.config.data_files)
        found = builder.as_streaming_dataset()
    else:
        found = datasets.load_dataset(data_set.path, name=data_set.config, streaming=True)
    if isinstance(found, Mapping):
        found = found[_chosen(data_set, [str(name) for name in found])]
    elif data_set.split is not None:
        raise InputError(f"{data_set.title} has no splits. Leave ':{data_set.split}' out.")
    return found


def _expect_all_read(folder: Path, splits: Mapping[str, Sequence[str]]) -> None:
    """Raise InputError where a file of the folder is in no split: `datasets` passes it over without a word."""
    from datasets.data_files import FILES_TO_IGNORE

    card = folder / "README.md"
    if card.is_file() and b"\nconfigs:" in card.read_bytes():
        return  # the card says which files there are
    taken = {Path(name) for names in splits.values() for name in names}
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or any(part.startswith((".", "__")) for part in file.relative_to(folder).parts):
            continue  # which nobody takes for data
        is_data = file.name.lower().removesuffix(".gz").endswith(DATA_FILES) and file.name not in FILES_TO_IGNORE
        if is_data and file not in taken:
            raise InputError(
                f"{file.relative_to(folder)} would be left out of {folder.name}: a folder is read as files of one kind,"
                f" and where some are named train or test those alone, here {min(taken).relative_to(folder)}."
                " Take it out, or read the files one by one."
            )


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
    if "Config name is missing" in str(error) or "BuilderConfig" in words:
        return InputError(f"{data_set.title} has several configurations: {words}. Write hf:org/name/CONFIGURATION.")
    if kinds & {"ConnectionError", "OfflineModeIsEnabled", "TransportError", "TimeoutError", "HfHubHTTPError"}:
        return InputError(
            f"The hub cannot be reached for {data_set.title}{after} ({words}). Check the connection, or download the data set and"
            " import its files."
        )
    return InputError(f"{data_set.title} cannot be read{after} ({words}). Download its files and import them.")
