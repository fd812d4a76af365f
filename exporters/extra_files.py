"""What some trainers want beside the data: a small file that describes it."""

from collections.abc import Iterator, Sequence

import orjson

from exporters.llama_factory import dataset_info


def extra_files(format: str, files: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each, for the data files of an export."""
    if format == "llama-factory":
        info = dataset_info(list(files))
        yield "dataset_info.json", orjson.dumps(info, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
