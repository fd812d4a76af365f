"""A sound record of every format."""

from exporters.formats import EXPORTERS

GOOD = {
    "input": {"messages": [{"role": "user", "content": "Hi"}]},
    "preferred_output": [{"role": "assistant", "content": "Hello"}],
    "non_preferred_output": [{"role": "assistant", "content": "What do you want from me?"}],
}
TRL = {
    "prompt": [{"role": "user", "content": "Hi"}],
    "chosen": [{"role": "assistant", "content": "Hello"}],
    "rejected": [{"role": "assistant", "content": "What do you want from me?"}],
}
STRINGS = {"prompt": "Hi", "chosen": "Hello", "rejected": "What do you want from me?"}
KTO = {"prompt": TRL["prompt"], "completion": TRL["chosen"], "label": True}
CHAT = {"messages": [*GOOD["input"]["messages"], *GOOD["preferred_output"]]}
AXOLOTL = {"messages": TRL["prompt"], "chosen": TRL["chosen"][0], "rejected": TRL["rejected"][0]}
SHAREGPT = {
    "conversations": [{"from": "human", "value": "Hi"}],
    "chosen": {"from": "gpt", "value": "Hello"},
    "rejected": {"from": "gpt", "value": "What do you want from me?"},
    "system": "",
    "tools": "",
}
GEMINI = {
    "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
    "completions": [
        {"score": 1, "completion": {"role": "model", "parts": [{"text": "Hello"}]}},
        {"score": 0, "completion": {"role": "model", "parts": [{"text": "What do you want from me?"}]}},
    ],
}
SOUND = dict.fromkeys(EXPORTERS, GOOD) | {
    "trl": TRL,
    "trl-standard": STRINGS,
    "trl-kto": KTO,
    "trl-reward": {**TRL, "margin": 1.0},
    "sft": CHAT,
    "axolotl": AXOLOTL,
    "llama-factory": SHAREGPT,
    "gemini": GEMINI,
}
