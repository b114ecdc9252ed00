"""Names of a model's tensors: ours, and those in files."""

from __future__ import annotations

from collections.abc import Mapping

# Of the whole model; `{}` in the others is the number of a layer. A tensor may be missing, such as biases and norms that a model does not have.
GGUF: Mapping[str, str] = {
    "embedding": "token_embd",
    "embedding_norm": "token_embd_norm",
    "token_types": "token_types",
    "positions": "position_embd",
    "final_norm": "output_norm",
    "output": "output",
    "attention_norm": "blk.{}.attn_norm",
    "query": "blk.{}.attn_q",
    "key": "blk.{}.attn_k",
    "value": "blk.{}.attn_v",
    "qkv": "blk.{}.attn_qkv",
    "query_norm": "blk.{}.attn_q_norm",
    "key_norm": "blk.{}.attn_k_norm",
    "attention_output": "blk.{}.attn_output",
    "post_attention_norm": "blk.{}.post_attention_norm|blk.{}.attn_output_norm",
    "inner_norm": "blk.{}.ffn_norm",
    "gate": "blk.{}.ffn_gate",
    "up": "blk.{}.ffn_up",
    "down": "blk.{}.ffn_down",
    "post_inner_norm": "blk.{}.post_ffw_norm|blk.{}.layer_output_norm",
}
_LLAMA: Mapping[str, str] = {
    "embedding": "embed_tokens",
    "final_norm": "norm",
    "output": "lm_head",
    "attention_norm": "layers.{}.input_layernorm",
    "query": "layers.{}.self_attn.q_proj",
    "key": "layers.{}.self_attn.k_proj",
    "value": "layers.{}.self_attn.v_proj",
    "qkv": "layers.{}.self_attn.qkv_proj",
    "query_norm": "layers.{}.self_attn.q_norm",
    "key_norm": "layers.{}.self_attn.k_norm",
    "attention_output": "layers.{}.self_attn.o_proj",
    "inner_norm": "layers.{}.post_attention_layernorm",
    "gate": "layers.{}.mlp.gate_proj",
    "up": "layers.{}.mlp.up_proj",
    "gate_up": "layers.{}.mlp.gate_up_proj",
    "down": "layers.{}.mlp.down_proj",
}
LAYOUTS: Mapping[str, Mapping[str, str]] = {
    "llama": _LLAMA,
    "gemma": {
        **_LLAMA,
        "post_attention_norm": "layers.{}.post_attention_layernorm",
        "inner_norm": "layers.{}.pre_feedforward_layernorm",
        "post_inner_norm": "layers.{}.post_feedforward_layernorm",
    },
    "gpt2": {
        "embedding": "wte",
        "positions": "wpe",
        "final_norm": "ln_f",
        "output": "lm_head",
        "attention_norm": "h.{}.ln_1",
        "qkv": "h.{}.attn.c_attn",
        "attention_output": "h.{}.attn.c_proj",
        "inner_norm": "h.{}.ln_2",
        "up": "h.{}.mlp.c_fc",
        "down": "h.{}.mlp.c_proj",
    },
    "gpt_neox": {
        "embedding": "embed_in",
        "final_norm": "final_layer_norm",
        "output": "embed_out|lm_head",
        "attention_norm": "layers.{}.input_layernorm",
        "qkv": "layers.{}.attention.query_key_value",
        "attention_output": "layers.{}.attention.dense",
        "inner_norm": "layers.{}.post_attention_layernorm",
        "up": "layers.{}.mlp.dense_h_to_4h",
        "down": "layers.{}.mlp.dense_4h_to_h",
    },
    "bert": {
        "embedding": "embeddings.word_embeddings",
        "embedding_norm": "embeddings.LayerNorm",
        "positions": "embeddings.position_embeddings",
        "token_types": "embeddings.token_type_embeddings",
        "query": "encoder.layer.{}.attention.self.query",
        "key": "encoder.layer.{}.attention.self.key",
        "value": "encoder.layer.{}.attention.self.value",
        "attention_output": "encoder.layer.{}.attention.output.dense",
        "post_attention_norm": "encoder.layer.{}.attention.output.LayerNorm",
        "up": "encoder.layer.{}.intermediate.dense",
        "down": "encoder.layer.{}.output.dense",
        "post_inner_norm": "encoder.layer.{}.output.LayerNorm",
    },
}
# Prefixes of the names, one of which a file uses; the output may have none.
PREFIXES = (
    "bert.",
    "model.",
    "transformer.",
    "gpt_neox.",
    "language_model.model.",
    "model.language_model.",
    "",
)
OUTPUT_PREFIXES = ("", "language_model.")
# Alternative names, one of which a file uses.
OR = "|"
