"""Families of decoders and encoders: a row each, with the facts that files omit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from penstock._src.language.architecture import Activation


@dataclass(frozen=True)
class Family:
    """The common properties of models of a family.

    Attributes:
      name: as GGUF's files name the architecture.
      models: Hugging Face's names of model types.
      layout: of the names of Hugging Face's tensors, in `names.py`.
      norm: of rows.
      activation: of feed-forward layers, where a file does not say it.
      is_gated: True if these have a gate.
      norm_offset: that Hugging Face's files leave out of the weights of norms.
      scales_embeddings: True if embeddings are multiplied by the square root of the width.
      has_positions: True if positions are learned.
      period: of layers, of which the last looks at all tokens and those before at a window; 1: all look at a window, if there is one.
      local_base: of the rotary positions of layers with a window, where a file does not say it; 0: that of all layers.
      turned: part of a head that is turned by rotary positions, where a file does not say it.
      qkv: how the rows of a joint matrix of queries, keys and values are ordered in Hugging Face's files: one after the other, or head by head.
      is_transposed: True if Hugging Face's files hold matrices as [inputs, outputs].
      is_encoder: True if tokens look at all others, and norms are those of sums.
      is_interleaved: True if GGUF's files hold rows of queries and keys in an order in which neighbors are turned together.
    """

    name: str
    models: tuple[str, ...]
    layout: str = "llama"
    norm: Literal["rms", "layer"] = "rms"
    activation: Activation = "silu"
    is_gated: bool = True
    norm_offset: float = 0.0
    scales_embeddings: bool = False
    has_positions: bool = False
    period: int = 1
    local_base: float = 0.0
    turned: float = 1.0
    qkv: Literal["stacked", "by head"] = "stacked"
    is_transposed: bool = False
    is_interleaved: bool = False
    is_encoder: bool = False


_ALL = (
    Family("llama", ("llama", "mistral"), is_interleaved=True),
    Family("qwen2", ("qwen2",)),
    Family("qwen3", ("qwen3",)),
    Family(
        "gemma2",
        ("gemma2",),
        "gemma",
        activation="gelu_tanh",
        norm_offset=1.0,
        scales_embeddings=True,
        period=2,
    ),
    Family(
        "gemma3",
        ("gemma3_text", "gemma3"),
        "gemma",
        activation="gelu_tanh",
        norm_offset=1.0,
        scales_embeddings=True,
        period=6,
        local_base=10000.0,
    ),
    Family("phi3", ("phi3",)),
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
    ),
)
FAMILIES: Mapping[str, Family] = {each.name: each for each in _ALL}
OF_MODEL_TYPE: Mapping[str, Family] = {name: each for each in _ALL for name in each.models}
# Names of activations in `config.json`.
ACTIVATIONS: Mapping[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
}
