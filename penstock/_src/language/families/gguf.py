"""Architectures of GGUF's metadata."""

from __future__ import annotations

import numpy as np

from penstock._src.core.errors import DataLossError, UnimplementedError
from penstock._src.formats.weights.stored import Weights
from penstock._src.language.architecture import Architecture, Rope, default_length
from penstock._src.language.families import frequencies
from penstock._src.language.families.facts import Facts
from penstock._src.language.families.table import IN_GGUF, Family

# In Gemma's largest models, attention is scaled by a head's share of the width.
_LARGEST_GEMMA = {"gemma2": 46, "gemma3": 62}
_FREQUENCIES = "rope_freqs.weight"
_FACTORS = {False: "rope_factors_short.weight", True: "rope_factors_long.weight"}


def architecture_of(weights: Weights, length: int = 0) -> Architecture:
    """Returns the architecture that the metadata of a file describes.

    Args:
      weights: the file.
      length: tokens of the texts that are meant, by which some models choose frequencies; 0: as many as there is room for by default.

    Raises:
      DataLossError: a value is missing or cannot be.
      UnimplementedError: the model is of a family, or has a property, that is not implemented.
    """
    name = Facts(weights.metadata, weights.path).text("general.architecture")
    if name not in IN_GGUF:
        raise UnimplementedError(
            f"{weights.path}: models of the architecture '{name}' are not implemented; there are {sorted(IN_GGUF)}."
        )
    family, facts = IN_GGUF[name], Facts(weights.metadata, weights.path, f"{name}.")
    layers, width = facts.integer("block_count"), facts.integer("embedding_length")
    heads = facts.integer("attention.head_count")
    size = facts.integer("attention.key_length", default=max(width // heads, 1))
    context = facts.integer("context_length")
    windows = _windows(facts, family, layers)
    length = length or default_length(context)
    ropes, rope_of = _ropes(weights, facts, family, size, context, windows, length)
    scaled = width / heads if _LARGEST_GEMMA.get(name) == layers else size
    return Architecture(
        family=name,
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=facts.integer("attention.head_count_kv", default=heads),
        head_size=size,
        inner=facts.integer("feed_forward_length"),
        vocabulary=_vocabulary(weights),
        context=context,
        norm=family.norm,
        epsilon=facts.number("attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon"),
        activation=family.activation,
        windows=windows,
        ropes=ropes,
        rope_of=rope_of,
        attention_scale=float(scaled) ** -0.5,
        is_gated=family.is_gated,
        is_parallel=family.is_parallel is not None
        and facts.flag("use_parallel_residual", default=family.is_parallel),
        attention_cap=facts.number("attn_logit_softcapping", default=0.0),
        logits_cap=facts.number("final_logit_softcapping", default=0.0),
        embedding_scale=float(width) ** 0.5 if family.scales_embeddings else 1.0,
        norms_sums=family.norms_sums,
        is_causal=not family.is_encoder,
    )


def _vocabulary(weights: Weights) -> int:
    """The rows of the embedding: a file may have more of them than its tokenizer has tokens."""
    embedding = weights.tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2 or not embedding.shape[0]:
        raise DataLossError(f"{weights.path}: tensor 'token_embd.weight': expected a matrix.")
    return embedding.shape[0]


def _windows(facts: Facts, family: Family, layers: int) -> tuple[int, ...]:
    if not facts.get("attention.sliding_window"):
        return (0,) * layers
    window = facts.integer("attention.sliding_window")
    if family.name == "phi3":  # its files name a window that the models were not trained with
        return (0,) * layers
    period = family.period
    return tuple(window if period == 1 or (at + 1) % period else 0 for at in range(layers))


def _ropes(
    weights: Weights,
    facts: Facts,
    family: Family,
    size: int,
    context: int,
    windows: tuple[int, ...],
    length: int,
) -> tuple[tuple[Rope, ...], tuple[int, ...]]:
    if family.has_positions:
        return (), (0,) * len(windows)
    base = facts.number("rope.freq_base", default=10000.0)
    turned = facts.integer("rope.dimension_count", default=size)
    if turned % 2 or turned > size:
        facts.refuse(("rope.dimension_count",), f"an even number up to {size}", turned)
    whole = _scaled(weights, facts, base, turned, context, length)
    if family.local_base is None:
        return (whole,), (0,) * len(windows)
    local = frequencies.plain(family.local_base, turned)
    return (whole, local), tuple(int(w > 0) for w in windows)


def _scaled(
    weights: Weights, facts: Facts, base: float, size: int, context: int, length: int
) -> Rope:
    kind = facts.text("rope.scaling.type", default="none")
    original = facts.integer("rope.scaling.original_context_length", default=context)
    if _FACTORS[False] in weights.tensors:
        factors = _factors(weights, _FACTORS[length > original], size)
        given = facts.number("rope.scaling.attn_factor", default=0.0)
        magnitude = given or frequencies.longrope_magnitude(context / original, original)
        return frequencies.divided(base, size, factors, magnitude)
    if _FREQUENCIES in weights.tensors:
        return frequencies.divided(base, size, _factors(weights, _FREQUENCIES, size))
    if kind == "none":
        return frequencies.plain(base, size)
    if kind == "linear":
        return frequencies.linear(base, size, facts.number("rope.scaling.factor"))
    if kind == "yarn":
        scaling = Facts({"factor": facts.number("rope.scaling.factor")}, weights.path)
        return frequencies.yarn(base, size, scaling, original, context)
    facts.lacks(("rope.scaling.type",), "none, linear or yarn", kind)


def _factors(weights: Weights, name: str, size: int) -> tuple[float, ...]:
    tensor = weights.tensors.get(name)
    factors = np.empty(0) if tensor is None else tensor.array()
    if factors.shape != (size // 2,) or not (factors > 0).all():
        raise DataLossError(
            f"{weights.path}: tensor '{name}': expected {size // 2} positive numbers."
        )
    return tuple(factors.astype(np.float64).tolist())
