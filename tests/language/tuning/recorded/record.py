"""Records losses that PEFT trains tiny models with, in float64: `python tests/language/tuning/recorded/record.py`, with torch, transformers and peft.

Adapters begin with drawn numbers, also those that are zeros in use, and take five steps of Adam on the same tokens.
"""

import json
import pathlib
import sys

import numpy as np
import peft
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3]))
from tests.language.tiny import TOKENS, drawn, models  # noqa: E402  (it stands in the folder above)

NAMES = {"llama": ["q_proj", "v_proj", "down_proj"], "qwen3": ["k_proj", "o_proj", "gate_proj"]}
RANK, ALPHA, RATE, STEPS = 4, 6, 0.01, 5


def losses_of(name):
    """Returns the losses of a model's steps, and the names of its adapters."""
    about = models()[name]
    config = transformers.AutoConfig.for_model(**about["config"])
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    model = model.double()
    held = {key: torch.tensor(drawn(key, tuple(s))).double() for key, s in about["shapes"].items()}
    model.load_state_dict(held, strict=False)
    lora = peft.LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules=NAMES[name], task_type="CAUSAL_LM"
    )
    tuned = peft.get_peft_model(model, lora)
    trained = {key: value for key, value in tuned.named_parameters() if value.requires_grad}
    names = {key: key.replace(".default", "") for key in trained}
    for key, value in trained.items():
        value.data = torch.tensor(drawn(names[key], tuple(value.shape))).double()
    optimizer = torch.optim.Adam(trained.values(), lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    tokens = torch.tensor(np.stack([TOKENS[:12], TOKENS[12:]])).long()
    losses = []
    for _ in range(STEPS):
        loss = tuned(input_ids=tokens, labels=tokens).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    shapes = {names[key]: list(value.shape) for key, value in trained.items()}
    return {"losses": losses, "shapes": shapes}


if __name__ == "__main__":
    found = {name: losses_of(name) for name in NAMES}
    (HERE / "lora.json").write_text(json.dumps(found) + "\n")
