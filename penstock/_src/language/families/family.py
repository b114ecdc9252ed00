"""Fields of a row of the table of families."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from penstock._src.language.architecture import Activation

# Norms of what layers get, of what they add, and of queries and keys.
BEFORE = ("attention_norm", "inner_norm", "final_norm")
AFTER = ("post_attention_norm", "post_inner_norm")
HEADS = ("query_norm", "key_norm")
# Of sums of what layers get and add, and of the sum of embeddings.
OF_SUMS = ("embedding_norm", *AFTER)


@dataclass(frozen=True)
class Family:
    """Properties that models of a family have in common.

    Attributes:
      name: as GGUF's files name the architecture, unless `gguf_name` does.
      models: Hugging Face's names of model types.
      layout: of the names of Hugging Face's tensors, in `names.py`.
      norm: of rows.
      activation: of feed-forward layers, where a file does not say it.
      is_gated: True if these have a gate.
      norm_offset: that Hugging Face's files leave out of the weights of norms.
      scales_embeddings: True if embeddings are multiplied by the square root of the width.
      has_positions: True if positions are learned.
      period: of layers, of which the last looks at all tokens and those before at a window; 1: all look at a window, if there is one.
      has_windows: True if layers may look at a window only.
      base: of rotary positions, where a file does not say it.
      local_base: of the rotary positions of layers with a window, where a file does not say it; 0: that of the others; None if all layers have the same positions.
      turned: part of a head that is turned by rotary positions, where a file does not say it; None if models of the family turn whole heads.
      qkv: how the rows of a joint matrix of queries, keys and values are ordered in Hugging Face's files: one after the other, or head by head unless
        heads share keys and values.
      is_transposed: True if Hugging Face's files hold matrices as [inputs, outputs].
      is_encoder: True if tokens attend to all others and norms are applied to sums.
      norms: that its layers and the whole have, of `names.py`.
      norms_all_heads: True if queries and keys are normed with all their heads, and not head by head.
      norms_by_head: True if queries and keys may have norms with factors for each head.
      norms_first: False if the first layer has no norm before its attention.
      is_parallel: True or False if attention and feed-forward layers may read the same values, and do so where a file does not say it; None if they never do.
      shares_norm: True if layers in which these read the same values have one norm, where others of the family have two.
      turning: which layers have rotary positions: all, those with a window, or those that a file names.
      turns_neighbors: True if Hugging Face's files hold rows of queries and keys in an order in which neighbors are turned together.
      first_position: row of the first token in the table of learned positions; "padding": the one after that of the token that fills up texts.
      reads: fields of `config.json` that change numbers, and that models of the family have.
      defaults: values of fields of `config.json` that files may leave out.
      in_gguf: True if GGUF's files of the family are read.
      gguf_name: as these name the architecture, if it differs.
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
    has_windows: bool = False
    base: float = 10000.0
    local_base: float | None = None
    turned: float | None = None
    qkv: Literal["stacked", "by head"] = "stacked"
    is_transposed: bool = False
    is_interleaved: bool = False
    in_gguf: bool = True
    gguf_name: str = ""
    is_encoder: bool = False
    norms: tuple[str, ...] = BEFORE
    norms_all_heads: bool = False
    norms_by_head: bool = False
    norms_first: bool = True
    is_parallel: bool | None = None
    shares_norm: bool = False
    turning: Literal["all", "windows", "named"] = "all"
    turns_neighbors: bool = False
    first_position: int | Literal["padding"] = 0
    reads: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def norms_sums(self) -> bool:
        """True if norms are those of sums with what a layer got."""
        return self.is_encoder and "attention_norm" not in self.norms
