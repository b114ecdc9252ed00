"""Records what transformers 5.24 computes in float64: `python record.py` writes decoders.json and decoders.npz, for tests of tiny models.

Needs torch and transformers. Weights are drawn by `tests/language/tiny.py`, from the names of tensors.
"""

import json
import pathlib
import sys

import numpy as np
import torch
import transformers as t

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3]))
from tests.language.tiny import ENCODERS, KEPT, TOKENS, drawn  # noqa: E402

SIZES = {
    "vocab_size": 96,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
}
PHI = {**SIZES, "hidden_size": 64, "pad_token_id": 0}
NEOX = {name: SIZES[name] for name in SIZES if name != "num_key_value_heads"}
ORIGINAL = {"rope_theta": 10000.0, "original_max_position_embeddings": 16}
ROPES = {
    "llama3": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
    },
    "yarn": {"rope_type": "yarn", "factor": 4.0},
    "linear": {"rope_type": "linear", "factor": 4.0},
}
OTHER_ROPES = {
    "yarn-factors": {"rope_type": "yarn", "factor": 4.0, "mscale": 0.7, "mscale_all_dim": 1.3},
    "dynamic": {"rope_type": "dynamic", "factor": 4.0},
}
TWO_ROPES = {
    "full_attention": {"rope_type": "default", "rope_theta": 3000.0},
    "sliding_attention": {**ORIGINAL, "rope_type": "yarn", "factor": 4.0},
}
LONG = {
    "rope_type": "longrope",
    "partial_rotary_factor": 0.75,
    "short_factor": [1.0 + i / 10 for i in range(6)],
    "long_factor": [1.5 + i for i in range(6)],
}
GROWING = {
    **ORIGINAL,
    "rope_type": "yarn",
    "factor": 4.0,
    "original_max_position_embeddings": 8,
    "mscale": 1.0,
    "mscale_all_dim": 1.0,
    "llama_4_scaling_beta": 0.5,
    "max_position_embeddings": 64,
}
MODELS = {
    "llama": t.LlamaConfig(**SIZES, tie_word_embeddings=False, attention_bias=True, mlp_bias=True),
    **{f"llama-{name}": t.LlamaConfig(**SIZES, rope_parameters={**ORIGINAL, **rope}, tie_word_embeddings=True) for name, rope in ROPES.items()},
    "mistral": t.MistralConfig(**SIZES, sliding_window=5),
    "qwen2": t.Qwen2Config(**{**SIZES, "num_hidden_layers": 3}, use_sliding_window=True, sliding_window=4, max_window_layers=1),
    "qwen3": t.Qwen3Config(**SIZES, head_dim=16, tie_word_embeddings=True),
    "gemma2": t.Gemma2Config(**SIZES, head_dim=16, query_pre_attn_scalar=24, sliding_window=5, attn_logit_softcapping=2.0, final_logit_softcapping=3.0),
    "gemma3": t.Gemma3TextConfig(**{**SIZES, "num_hidden_layers": 6}, head_dim=16, query_pre_attn_scalar=16, sliding_window=5),
    "phi3": t.Phi3Config(**PHI, rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.75}),
    "phi3-longrope": t.Phi3Config(**PHI, original_max_position_embeddings=16, rope_parameters={**LONG, "rope_theta": 10000.0}),
    "gpt2": t.GPT2Config(vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=64),
    "gpt_neox": t.GPTNeoXConfig(**NEOX, rotary_pct=0.5),
    "bert": t.BertConfig(**NEOX, type_vocab_size=2, hidden_act="gelu"),
    **{f"llama-{name}": t.LlamaConfig(**SIZES, rope_parameters={**ORIGINAL, **rope}) for name, rope in OTHER_ROPES.items()},
    "gemma3-turns": t.Gemma3TextConfig(**{**SIZES, "num_hidden_layers": 3}, head_dim=12, sliding_window=5, layer_types=["full_attention", "sliding_attention", "sliding_attention"], rope_parameters=TWO_ROPES),
    "gpt2-untied": t.GPT2Config(vocab_size=96, n_embd=32, n_layer=1, n_head=4, n_positions=64, tie_word_embeddings=False),
    "gemma": t.GemmaConfig(**SIZES, head_dim=12),
    "olmo2": t.Olmo2Config(**SIZES),
    "olmo3": t.Olmo3Config(**{**SIZES, "num_hidden_layers": 4}, sliding_window=5),
    "exaone4": t.Exaone4Config(**{**SIZES, "num_hidden_layers": 4}, sliding_window=5),
    "starcoder2": t.Starcoder2Config(**SIZES, sliding_window=5),
    "granite": t.GraniteConfig(**SIZES, embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.7, attention_multiplier=0.3),
    "smollm3": t.SmolLM3Config(**{**SIZES, "num_hidden_layers": 4}, pad_token_id=0),
    "cohere": t.CohereConfig(**SIZES),
    "cohere2": t.Cohere2Config(**{**SIZES, "num_hidden_layers": 4}, sliding_window=5, head_dim=12),
    "stablelm": t.StableLmConfig(**{**SIZES, "hidden_size": 64}),
    "phi": t.PhiConfig(**{**SIZES, "hidden_size": 64}),
    "gptj": t.GPTJConfig(vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=64, rotary_dim=4),
    "opt": t.OPTConfig(vocab_size=96, hidden_size=32, num_hidden_layers=2, ffn_dim=48, max_position_embeddings=64, word_embed_proj_dim=32, num_attention_heads=4),
    "arcee": t.ArceeConfig(**SIZES),
    "nemotron": t.NemotronConfig(**SIZES, head_dim=8),
    "ernie4_5": t.Ernie4_5Config(**SIZES, head_dim=12),
    "glm4": t.Glm4Config(**SIZES, head_dim=12, pad_token_id=0),
    "glm": t.GlmConfig(**SIZES, head_dim=12, pad_token_id=0, attention_bias=True),
    "seed_oss": t.SeedOssConfig(**SIZES, head_dim=12, attention_bias=True, attention_out_bias=True),
    "gpt_neo": t.GPTNeoConfig(vocab_size=96, hidden_size=32, num_layers=3, num_heads=4, attention_types=[[["global", "local"], 1], [["local"], 1]], window_size=5, max_position_embeddings=64, intermediate_size=48),
    "roberta": t.RobertaConfig(**{**NEOX, "max_position_embeddings": 66}, type_vocab_size=1),
    "distilbert": t.DistilBertConfig(vocab_size=96, max_position_embeddings=64, n_layers=2, n_heads=4, dim=32, hidden_dim=48),
    "modernbert": t.ModernBertConfig(**{**NEOX, "num_hidden_layers": 4}, local_attention=10, pad_token_id=0),
    "stablelm-parallel": t.StableLmConfig(**{**SIZES, "hidden_size": 64}, use_parallel_residual=True, qk_layernorm=True, use_qkv_bias=True),
    "cohere-norms": t.CohereConfig(**SIZES, use_qk_norm=True),
    "gpt_neox-serial": t.GPTNeoXConfig(**NEOX, use_parallel_residual=False),
    "gpt_bigcode": t.GPTBigCodeConfig(vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=64),
    "gpt_bigcode-heads": t.GPTBigCodeConfig(vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=64, multi_query=False),
    "ministral3": t.Ministral3Config(**SIZES, head_dim=8, rope_parameters=GROWING),
    "camembert": t.CamembertConfig(**{**NEOX, "max_position_embeddings": 66}, type_vocab_size=1),
}  # fmt: skip


def main() -> None:
    described, logits = {}, {}
    for name, config in MODELS.items():
        config._attn_implementation = "eager"
        is_encoder = name in ENCODERS
        kind = t.AutoModel if is_encoder else t.AutoModelForCausalLM
        model = kind.from_config(config).eval().double()
        held = dict(model.named_parameters())
        with torch.no_grad():
            for key, parameter in held.items():
                parameter.copy_(torch.tensor(drawn(key, tuple(parameter.shape))))
            outputs = model(torch.tensor(TOKENS)[None])
            found = (outputs.last_hidden_state if is_encoder else outputs.logits)[0].numpy()
        shapes = {key: list(parameter.shape) for key, parameter in held.items()}
        config_text = json.loads(config.to_json_string(use_diff=True))
        described[name] = {"config": config_text, "shapes": shapes}
        logits[name] = found[KEPT].astype(np.float64)
    (HERE / "decoders.json").write_text(json.dumps(described, indent=1) + "\n")
    np.savez_compressed(HERE / "decoders.npz", **logits)


if __name__ == "__main__":
    main()
