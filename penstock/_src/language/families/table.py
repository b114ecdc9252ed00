"""Families of decoders and encoders: a row each, of what files do not say. Those that only Hugging Face's folders have are in `more.py`."""

from __future__ import annotations

from collections.abc import Mapping

from penstock._src.language.architecture import Activation
from penstock._src.language.families.family import AFTER, BEFORE, HEADS, OF_SUMS, Family
from penstock._src.language.families.more import MORE

_CAPS = ("attn_logit_softcapping", "final_logit_softcapping")
_SIX = {"rms_norm_eps": 1e-6}
_QWEN = {
    **_SIX,
    "use_sliding_window": False,
    "sliding_window": 4096,
    "max_window_layers": 28,
}
_GEMMA = {
    **_SIX,
    "head_dim": 256,
    "query_pre_attn_scalar": 256,
    "sliding_window": 4096,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
}
_ALL = (
    Family("llama", ("llama",), is_interleaved=True, defaults=_SIX),
    Family(
        "mistral",
        ("mistral", "ministral"),
        has_windows=True,
        in_gguf=False,
        defaults={**_SIX, "sliding_window": 4096, "num_key_value_heads": 8},
    ),
    Family("qwen2", ("qwen2",), has_windows=True, defaults=_QWEN),
    Family(
        "qwen3",
        ("qwen3",),
        has_windows=True,
        norms=(*BEFORE, *HEADS),
        defaults={**_QWEN, "head_dim": 128},
    ),
    Family(
        "gemma2",
        ("gemma2",),
        "gemma",
        activation="gelu_tanh",
        norm_offset=1.0,
        scales_embeddings=True,
        has_windows=True,
        norms=(*BEFORE, *AFTER),
        period=2,
        reads=("query_pre_attn_scalar", *_CAPS),
        defaults={**_GEMMA, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
    ),
    Family(
        "gemma3",
        ("gemma3_text", "gemma3"),
        "gemma",
        activation="gelu_tanh",
        norm_offset=1.0,
        scales_embeddings=True,
        has_windows=True,
        norms=(*BEFORE, *AFTER, *HEADS),
        period=6,
        base=1000000.0,
        local_base=10000.0,
        reads=("query_pre_attn_scalar", "final_logit_softcapping"),
        defaults={**_GEMMA, "vocab_size": 262208, "max_position_embeddings": 131072},
    ),
    Family("phi3", ("phi3",), has_windows=True, turned=1.0),
    Family(
        "gpt2",
        ("gpt2",),
        "gpt2",
        norm="layer",
        activation="gelu_tanh",
        is_gated=False,
        has_positions=True,
        is_transposed=True,
    ),
    Family(
        "gptneox",
        ("gpt_neox",),
        "gpt_neox",
        norm="layer",
        activation="gelu",
        is_gated=False,
        turned=0.25,
        qkv="by head",
        is_parallel=True,
    ),
    Family(
        "bert",
        ("bert",),
        "bert",
        norm="layer",
        activation="gelu",
        is_gated=False,
        has_positions=True,
        is_encoder=True,
        norms=OF_SUMS,
        defaults={"layer_norm_eps": 1e-12},
    ),
    *MORE,
)
FAMILIES: Mapping[str, Family] = {each.name: each for each in _ALL}
IN_GGUF: Mapping[str, Family] = {each.gguf_name or each.name: each for each in _ALL if each.in_gguf}
OF_MODEL_TYPE: Mapping[str, Family] = {name: each for each in _ALL for name in each.models}
# Names of activations in `config.json`.
ACTIVATIONS: Mapping[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "quick_gelu": "quick_gelu",
    "relu": "relu",
    "relu2": "relu2",
}
