"""One file through a trainer's own functions. Run by `benchmarks.clients` in an environment of its own; needs no repository.

    python trainers.py TRAINER FORMAT FILE

Prints one JSON object: how many rows the trainer read, and what it did with them.
"""

import json
import sys
from pathlib import Path
from typing import Any

STEPS_ROWS = 8
UNKNOWN, PADDING, END = "<unk>", "<pad>", "<eos>"


def tokenizer_of(texts: list[str]) -> Any:
    """A tokenizer of the words of the data itself, with a template of its own: nothing is downloaded."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE(unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.ByteLevel()
    made.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=2000, special_tokens=[UNKNOWN, PADDING, END]))
    found = PreTrainedTokenizerFast(tokenizer_object=made, unk_token=UNKNOWN, pad_token=PADDING, eos_token=END)
    found.chat_template = _template()
    return found


def _template() -> str:
    """A template that TRL brings along, or the plainest there is."""
    try:
        import trl

        folder = Path(trl.__file__).parent / "chat_templates"
        return next(path for path in sorted(folder.glob("qwen2_5*.jinja"))).read_text()
    except (ImportError, StopIteration):
        return "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}<eos>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"  # fmt: skip


def by_trl(name: str, data: Any, file: Path) -> str:
    from trl.data_utils import is_conversational, maybe_apply_chat_template, unpair_preference_dataset

    tokenizer = tokenizer_of(file.read_text("utf-8").split("\n"))
    if is_conversational(data[0]) != (name != "trl-standard"):
        raise SystemExit("TRL takes the rows for another type of data set")
    templated = data.map(lambda row: maybe_apply_chat_template(row, tokenizer), remove_columns=_left(data))
    if len(templated) != len(data):
        raise SystemExit(f"the template was applied to {len(templated)} rows")
    if name not in ("trl", "trl-standard"):
        return "is_conversational, apply_chat_template"
    if len(unpair_preference_dataset(data)) != 2 * len(data):
        raise SystemExit("unpairing lost rows")
    _two_steps(data.select(range(min(STEPS_ROWS, len(data)))), tokenizer)
    return "is_conversational, apply_chat_template, unpair, DPOTrainer two steps"


def _left(data: Any) -> list[str]:
    return [
        column
        for column in data.column_names
        if column not in ("prompt", "chosen", "rejected", "completion", "label", "messages")
    ]


def _two_steps(data: Any, tokenizer: Any) -> None:
    import tempfile

    from transformers import LlamaConfig, LlamaForCausalLM
    from trl import DPOConfig, DPOTrainer

    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        settings = DPOConfig(
            folder, max_steps=2, per_device_train_batch_size=2, use_cpu=True, report_to=[], max_length=256, save_strategy="no"
        )  # fmt: skip
        trainer = DPOTrainer(LlamaForCausalLM(config), args=settings, train_dataset=data, processing_class=tokenizer)
        trainer.train()
        if trainer.state.global_step != 2:
            raise SystemExit(f"the trainer did {trainer.state.global_step} steps")


def by_llama_factory(_name: str, data: Any, file: Path) -> str:
    from types import SimpleNamespace

    from llamafactory.data.converter import SharegptDatasetConverter
    from llamafactory.data.parser import DatasetAttr

    (entry,) = json.loads((file.parent / "dataset_info.json").read_text()).values()
    known = DatasetAttr("file", dataset_name=entry["file_name"])
    known.join(entry)
    convert = SharegptDatasetConverter(known, SimpleNamespace(media_dir=""))
    if skipped := sum(not convert(row)["_prompt"] for row in data):
        raise SystemExit(f"the converter skips {skipped} rows")
    return "converter, by dataset_info.json"


def by_axolotl(_name: str, data: Any, file: Path) -> str:
    from axolotl.prompt_strategies.dpo.chat_template import default
    from axolotl.utils.dict import DictDefault

    tokenizer = tokenizer_of(file.read_text("utf-8").split("\n"))
    transform, _ = default(DictDefault({"datasets": [{"type": "chat_template.default"}], "chat_template": "chatml"}))
    for row in data:
        made = transform(row, tokenizer=tokenizer)
        if not made["prompt"] or row["chosen"]["content"].strip() not in made["chosen"]:
            raise SystemExit("the loader changes a reply")
    return "chat_template.default"


def main() -> None:
    trainer, name, path = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    from datasets import load_dataset

    data = load_dataset("json", data_files=str(path), split="train")
    did = {"trl": by_trl, "llama-factory": by_llama_factory, "axolotl": by_axolotl}[trainer](name, data, path)
    print(json.dumps({"rows": len(data), "did": did}))


if __name__ == "__main__":
    main()
