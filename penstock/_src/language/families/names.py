"""Names of a model's tensors: ours, and those in files."""

from __future__ import annotations

import re
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
# Names of which some families use others.
GGUF_OF: Mapping[str, Mapping[str, str]] = {
    "seed_oss": {"inner_norm": "blk.{}.post_attention_norm"},
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
    "olmo2": {
        **_LLAMA,
        "post_attention_norm": "layers.{}.post_attention_layernorm",
        "post_inner_norm": "layers.{}.post_feedforward_layernorm",
    },
    "glm4": {
        **_LLAMA,
        "post_attention_norm": "layers.{}.post_self_attn_layernorm",
        "post_inner_norm": "layers.{}.post_mlp_layernorm",
    },
    "stablelm": {
        **_LLAMA,
        "query_norm": "layers.{}.self_attn.q_layernorm",
        "key_norm": "layers.{}.self_attn.k_layernorm",
    },
    "starcoder2": {**_LLAMA, "up": "layers.{}.mlp.c_fc", "down": "layers.{}.mlp.c_proj"},
    "phi": {
        **_LLAMA,
        "final_norm": "final_layernorm",
        "attention_output": "layers.{}.self_attn.dense",
        "up": "layers.{}.mlp.fc1",
        "down": "layers.{}.mlp.fc2",
    },
    "opt": {
        **_LLAMA,
        "positions": "embed_positions",
        "final_norm": "final_layer_norm",
        "attention_norm": "layers.{}.self_attn_layer_norm",
        "inner_norm": "layers.{}.final_layer_norm",
        "attention_output": "layers.{}.self_attn.out_proj",
        "up": "layers.{}.fc1",
        "down": "layers.{}.fc2",
    },
    "gptj": {
        "embedding": "wte",
        "final_norm": "ln_f",
        "output": "lm_head",
        "attention_norm": "h.{}.ln_1",
        "query": "h.{}.attn.q_proj",
        "key": "h.{}.attn.k_proj",
        "value": "h.{}.attn.v_proj",
        "attention_output": "h.{}.attn.out_proj",
        "up": "h.{}.mlp.fc_in",
        "down": "h.{}.mlp.fc_out",
    },
    "distilbert": {
        "embedding": "embeddings.word_embeddings",
        "embedding_norm": "embeddings.LayerNorm",
        "positions": "embeddings.position_embeddings",
        "query": "transformer.layer.{}.attention.q_lin",
        "key": "transformer.layer.{}.attention.k_lin",
        "value": "transformer.layer.{}.attention.v_lin",
        "attention_output": "transformer.layer.{}.attention.out_lin",
        "post_attention_norm": "transformer.layer.{}.sa_layer_norm",
        "up": "transformer.layer.{}.ffn.lin1",
        "down": "transformer.layer.{}.ffn.lin2",
        "post_inner_norm": "transformer.layer.{}.output_layer_norm",
    },
    "modernbert": {
        "embedding": "embeddings.tok_embeddings",
        "embedding_norm": "embeddings.norm",
        "final_norm": "final_norm",
        "attention_norm": "layers.{}.attn_norm",
        "qkv": "layers.{}.attn.Wqkv",
        "attention_output": "layers.{}.attn.Wo",
        "inner_norm": "layers.{}.mlp_norm",
        "gate_up": "layers.{}.mlp.Wi",
        "down": "layers.{}.mlp.Wo",
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
    "gpt_neo": {
        "embedding": "wte",
        "positions": "wpe",
        "final_norm": "ln_f",
        "output": "lm_head",
        "attention_norm": "h.{}.ln_1",
        "query": "h.{}.attn.attention.q_proj",
        "key": "h.{}.attn.attention.k_proj",
        "value": "h.{}.attn.attention.v_proj",
        "attention_output": "h.{}.attn.attention.out_proj",
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
    "roberta.",
    "distilbert.",
    "model.decoder.",
    "decoder.",
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
# Of tensors that are not part of what is computed: tables that follow from the configuration, heads of other tasks, towers of pictures.
UNUSED = re.compile(
    r".*(rotary_emb\.(inv_freq|cos_cached|sin_cached)|\.masked_bias|position_ids|rope_(freqs|factors_long|factors_short)\.weight)"
    r"|.*(^|\.)h\.\d+\.attn\.(attention\.)?bias|.*\.layers\.\d+\.attention\.bias"
    r"|(.*\.)?(vision_tower|vision_model|multi_modal_projector|mm_projector|audio_tower)\..*"
    r"|(.*\.)?(pooler|cls|classifier|score|qa_outputs|pre_classifier|vocab_transform|vocab_layer_norm|vocab_projector)\..*"
)
