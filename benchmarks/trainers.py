"""One file through a trainer's own functions. Run by `benchmarks.clients` in an environment of its own; needs no repository.

    python trainers.py TRAINER FORMAT FILE

Prints one JSON object: how many rows the trainer holds in the end, and what it did with them.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

UNKNOWN, PADDING, END = "<unk>", "<pad>", "<eos>"
TURN = "<|im_start|>"


def tokenizer_of(texts: list[str], template: str | None = None) -> Any:
    """A tokenizer of the words of the data itself: nothing is downloaded."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = [UNKNOWN, PADDING, END, TURN, "<|im_end|>"]
    made = Tokenizer(models.BPE(unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.ByteLevel()
    made.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=2000, special_tokens=special))
    found = PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token=UNKNOWN, pad_token=PADDING, bos_token=TURN, eos_token=END
    )
    found.chat_template = template
    return found


def model_of(tokenizer: Any, kind: str = "LlamaForCausalLM") -> Any:
    """A model of two layers and random weights."""
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
        max_position_embeddings=65_536, num_labels=1,
    )  # fmt: skip
    return getattr(transformers, kind)(config)


# --- TRL ---------------------------------------------------------------------------------------------------------


def by_trl(name: str, data: Any, _file: Path) -> tuple[int, str]:
    import trl
    from trl.data_utils import apply_chat_template, is_conversational

    template = (Path(trl.__file__).parent / "chat_templates" / "qwen2_5.jinja").read_text()
    tokenizer = tokenizer_of(texts_of(data), template)
    done = ["is_conversational"]
    if any(is_conversational(row) == (name == "trl-standard") for row in data):
        raise SystemExit("TRL takes rows for another type of data set")
    if name != "trl-standard":
        others = [column for column in data.column_names if column == "margin"]  # it knows no margin
        templated = data.remove_columns(others).map(lambda row: apply_chat_template(row, tokenizer))
        _expect(len(templated) == len(data), f"the template was applied to {len(templated)} rows")
        done.append("apply_chat_template")
    if name in ("trl", "trl-standard"):
        done += _as_pairs(data)
    trainer, rows = _two_steps(name, data, tokenizer)
    return rows, ", ".join([*done, f"{trainer} two steps"])


def _as_pairs(data: Any) -> list[str]:
    from trl.data_utils import extract_prompt, unpair_preference_dataset

    for row in data:
        whole = {side: row["prompt"] + row[side] for side in ("chosen", "rejected")}
        found = extract_prompt(whole)
        # Replies that begin alike have their beginning in the prompt of plain strings.
        same = all(found["prompt"] + found[side] == whole[side] for side in whole)
        _expect(same, "extract_prompt changes a row")
        _expect(isinstance(row["prompt"], str) or found["prompt"] == row["prompt"], "extract_prompt moves a turn")
    _expect(len(unpair_preference_dataset(data)) == 2 * len(data), "unpairing lost rows")
    return ["extract_prompt", "unpair"]


def _two_steps(name: str, data: Any, tokenizer: Any) -> tuple[str, int]:
    """Two steps of the trainer that reads the format, and the rows it holds after it prepared them."""
    import trl

    trainer, has_reference = {
        "trl-kto": ("KTO", True), "trl-reward": ("Reward", False), "sft": ("SFT", False),
    }.get(name, ("DPO", True))  # fmt: skip
    kind = "LlamaForSequenceClassification" if trainer == "Reward" else "LlamaForCausalLM"
    with tempfile.TemporaryDirectory() as folder:
        settings = getattr(trl, f"{trainer}Config")(
            folder, max_steps=2, per_device_train_batch_size=2, use_cpu=True, bf16=False, report_to=[], max_length=None, save_strategy="no",
        )  # fmt: skip
        reference = {"ref_model": model_of(tokenizer, kind)} if has_reference else {}
        made = getattr(trl, f"{trainer}Trainer")(
            model=model_of(tokenizer, kind), args=settings, train_dataset=data, processing_class=tokenizer, **reference
        )
        made.train()
        _expect(made.state.global_step == 2, f"the trainer did {made.state.global_step} steps")
        return f"{trainer}Trainer", len(made.train_dataset)


# --- LLaMA-Factory and Axolotl -----------------------------------------------------------------------------------


def by_llama_factory(_name: str, data: Any, file: Path) -> tuple[int, str]:
    """Its loader, as `llamafactory-cli train` calls it: converter, template, tokenizer, filters."""
    from llamafactory.data.loader import get_dataset
    from llamafactory.data.template import get_template_and_fix_tokenizer
    from llamafactory.hparams import DataArguments, ModelArguments
    from transformers import TrainingArguments

    (name,) = json.loads((file.parent / "dataset_info.json").read_text())
    tokenizer = tokenizer_of(texts_of(data))
    with tempfile.TemporaryDirectory() as folder:
        asked = DataArguments(dataset=name, dataset_dir=str(file.parent), template="qwen", cutoff_len=10**6)
        settings = TrainingArguments(folder, use_cpu=True, report_to=[])
        settings.predict_with_generate = False
        template = get_template_and_fix_tokenizer(tokenizer, asked)
        kept = get_dataset(template, ModelArguments(folder), asked, settings, stage="rm", tokenizer=tokenizer)
    return len(kept["train_dataset"]), "get_dataset by dataset_info.json"


def by_axolotl(_name: str, data: Any, file: Path) -> tuple[int, str]:
    """Its loader for `rl: dpo`, with a tokenizer that is not downloaded."""
    from axolotl.utils.data import rl
    from axolotl.utils.dict import DictDefault
    from axolotl.utils.schemas.enums import RLType

    tokenizer = tokenizer_of(texts_of(data))
    rl.load_tokenizer = lambda _settings: tokenizer
    source = {"path": str(file), "ds_type": kind_of(file), "split": "train", "type": "chat_template.default"}
    settings = {"datasets": [source], "chat_template": "chatml", "rl": RLType.DPO, "sequence_len": 10**6}
    with tempfile.TemporaryDirectory() as folder:
        kept, _ = rl.prepare_preference_datasets(
            DictDefault(settings | {"dataset_prepared_path": folder, "tokenizer_config": "own"}), tokenizer
        )
    for row, made in zip(data, kept, strict=True):
        _expect(bool(made["prompt"]), "the loader finds no prompt")
        for side in ("chosen", "rejected"):
            _expect(row[side]["content"].rstrip() in made[side], "the loader changes a reply")
    return len(kept), "rl: dpo, chat_template.default"


def kind_of(file: Path) -> str:
    return "parquet" if file.suffix == ".parquet" else "json"


def texts_of(data: Any) -> list[str]:
    """What a tokenizer is made of."""
    return [json.dumps(row, ensure_ascii=False) for row in data]


def _expect(holds: bool, fault: str) -> None:
    if not holds:
        raise SystemExit(fault)


TRAINERS: dict[str, Callable[[str, Any, Path], tuple[int, str]]] = {
    "trl": by_trl,
    "llama-factory": by_llama_factory,
    "axolotl": by_axolotl,
}


def main() -> None:
    trainer, name, path = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    from datasets import load_dataset

    data = load_dataset(kind_of(path), data_files=str(path), split="train")
    rows, did = TRAINERS[trainer](name, data, path)
    print(json.dumps({"rows": rows, "did": did}))


if __name__ == "__main__":
    main()
