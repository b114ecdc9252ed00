"""Architectures of GGUF's metadata."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from penstock._src.core.errors import DataLossError, UnimplementedError
from penstock._src.formats.weights.stored import Weights
from penstock._src.language.architecture import Architecture, Rope, default_length
from penstock._src.language.families import frequencies
from penstock._src.language.families.facts import Facts
from penstock._src.language.families.names import GGUF
from penstock._src.language.families.rotary import turned_with_windows
from penstock._src.language.families.table import FAMILIES, IN_GGUF, Family

# In Gemma's largest models, attention is scaled by a head's share of the width.
_LARGEST_GEMMA = {"gemma2": 46, "gemma3": 62}
# Whose layers have a window even if a file names none.
_WITH_WINDOWS = ("gemma2", "cohere2")
# EXAONE 4's largest model has windows, of this size unless a file names another.
_LARGEST_EXAONE, _ITS_WINDOW = 64, 4096
_WINDOW = "attention.sliding_window"
_PATTERN = "attention.sliding_window_pattern"
# What files of a family may leave out.
_CAPS = {"gemma2": (50.0, 30.0)}
# GGUF's name of an architecture: the name of our row if some of its layers have a window.
_WINDOWED = {"olmo2": "olmo3"}
# Every nth layer does not rotate queries and keys by position; files do not state this.
_UNTURNED = {"smollm3": 4}
_SCALINGS = ("none", "linear", "yarn", "longrope")
_FREQUENCIES = "rope_freqs.weight"
_FACTORS = {False: "rope_factors_short.weight", True: "rope_factors_long.weight"}


def architecture_of(weights: Weights, length: int = 0) -> Architecture:
    """Returns the architecture that the metadata of a file describes.

    Args:
      weights: the file.
      length: expected number of tokens of a text, by which some models choose frequencies; 0 for the default size of the cache.

    Raises:
      DataLossError: a value is missing or cannot be.
      UnimplementedError: the model is of a family, or has a property, that is not implemented.
    """
    name = Facts(weights.metadata, weights.path).text("general.architecture")
    if name not in IN_GGUF:
        raise UnimplementedError(
            f"{weights.path}: models of the architecture '{name}' are not implemented; there are {sorted(IN_GGUF)}."
        )
    facts = Facts(weights.metadata, weights.path, f"{name}.")
    family = IN_GGUF[name]
    if name in _WINDOWED and facts.get(_WINDOW):
        family = FAMILIES[_WINDOWED[name]]
    layers, width = facts.integer("block_count"), facts.integer("embedding_length")
    if facts.get("nextn_predict_layers"):  # layers that predict further tokens are counted above
        facts.lacks(("nextn_predict_layers",), "0", facts.get("nextn_predict_layers"))
    heads = facts.integer("attention.head_count")
    size = facts.integer("attention.key_length", default=max(width // heads, 1))
    context = facts.integer("context_length")
    windows = _windows(facts, family, layers)
    length = length or default_length(context)
    ropes, rope_of = _ropes(weights, facts, family, size, context, windows, length)
    caps = _CAPS.get(name, (0.0, 0.0))
    if family.is_encoder == facts.flag("attention.causal", default=not family.is_encoder):
        facts.lacks(("attention.causal",), str(not family.is_encoder).lower(), family.is_encoder)
    scaled = width / heads if _LARGEST_GEMMA.get(name) == layers else size
    multipliers = _multipliers(facts, family)
    return Architecture(
        family=family.name,
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
        attention_scale=multipliers.attention or float(scaled) ** -0.5,
        is_gated=family.is_gated,
        is_parallel=_is_parallel(weights, facts, family),
        attention_cap=facts.number("attn_logit_softcapping", default=caps[0]),
        logits_cap=facts.number("final_logit_softcapping", default=caps[1]),
        embedding_scale=float(width) ** 0.5 if family.scales_embeddings else multipliers.embedding,
        norms_sums=family.norms_sums,
        residual_scale=multipliers.residual,
        logits_scale=multipliers.logits,
        is_causal=not family.is_encoder,
    )


def _is_parallel(weights: Weights, facts: Facts, family: Family) -> bool:
    if family.is_parallel is None:
        return False
    if family.shares_norm:  # files of such families may say true whatever their layers are
        return f"{GGUF['inner_norm'].format(0)}.weight" not in weights.tensors
    return facts.flag("use_parallel_residual", default=family.is_parallel)


class _Multipliers(NamedTuple):
    """Factors of embeddings, of what layers add, of products of queries and keys (0 for the usual one), and of logits."""

    embedding: float = 1.0
    residual: float = 1.0
    attention: float = 0.0
    logits: float = 1.0


def _multipliers(facts: Facts, family: Family) -> _Multipliers:
    """The factors that files of some families name; 0 stands for none in such files."""
    if "logit_scale" in family.reads:
        return _Multipliers(logits=facts.number("logit_scale", default=1.0) or 1.0)
    if "logits_scaling" not in family.reads:
        return _Multipliers()
    if not facts.flag("rope.scaling.finetuned", default=True):  # llama.cpp turns no head then
        facts.lacks(("rope.scaling.finetuned",), "true", False)
    divisor = facts.number("logit_scale")
    if not divisor:
        facts.refuse(("logit_scale",), "a number that is not 0", divisor)
    return _Multipliers(
        facts.number("embedding_scale", default=1.0) or 1.0,
        facts.number("residual_scale", default=1.0) or 1.0,
        facts.number("attention.scale", default=0.0),
        1.0 / divisor,
    )


def _vocabulary(weights: Weights) -> int:
    """The rows of the embedding: a file may have more of them than its tokenizer has tokens."""
    embedding = weights.tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2 or not embedding.shape[0]:
        raise DataLossError(f"{weights.path}: tensor 'token_embd.weight': expected a matrix.")
    return embedding.shape[0]


def _windows(facts: Facts, family: Family, layers: int) -> tuple[int, ...]:
    """The tokens that each layer looks at, 0 for all. Only of families some of whose layers look at all: files of others may name a window that no layer has."""
    default = family.defaults.get("sliding_window") if family.name in _WITH_WINDOWS else None
    if family.name == "exaone4" and layers == _LARGEST_EXAONE:
        default = _ITS_WINDOW
    if family.period == 1 or not (facts.get(_WINDOW) or default):
        return (0,) * layers
    window = facts.integer(_WINDOW, default=default)
    pattern = facts.get(_PATTERN)
    if isinstance(pattern, np.ndarray):
        if pattern.shape != (layers,):
            facts.refuse((_PATTERN,), f"one for each of {layers} layers", pattern.tolist())
        return tuple(window if has else 0 for has in pattern.tolist())
    period = 0 if pattern == 0 else facts.integer(_PATTERN, default=family.period)
    return tuple(window if not period or (at + 1) % period else 0 for at in range(layers))


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
    if np.any(facts.get("rope.dimension_sections")):
        facts.lacks(("rope.dimension_sections",), "none", facts.get("rope.dimension_sections"))
    if turned % 2 or turned > size:
        facts.refuse(("rope.dimension_count",), f"an even number up to {size}", turned)
    whole = _scaled(weights, facts, base, turned, context, length)
    if every := _UNTURNED.get(family.name):
        return (whole,), tuple(0 if (at + 1) % every else -1 for at in range(len(windows)))
    local_base = facts.number("rope.freq_base_swa", default=family.local_base or base)
    if family.turning == "windows":
        if local_base != base:
            facts.lacks(("rope.freq_base_swa",), str(base), local_base)
        return (whole,), turned_with_windows(windows, any(windows))
    if family.period == 1 or (family.local_base is None and local_base == base):
        return (whole,), (0,) * len(windows)
    if family.local_base is None:
        local = _scaled(weights, facts, local_base, turned, context, length)
    else:
        # Layers of OLMo 3 with a window have positions that nothing scales.
        magnitude = _magnitude(facts) if family.local_base else 1.0
        local = frequencies.divided(local_base, turned, (1.0,) * (turned // 2), magnitude)
    return (whole, local), tuple(int(w > 0) for w in windows)


def _scaled(
    weights: Weights, facts: Facts, base: float, size: int, context: int, length: int
) -> Rope:
    """The frequencies of layers that see all tokens: of a factor for all, for each, or both; as llama.cpp, whose format it is, reads the same keys."""
    kind = facts.text("rope.scaling.type", default="linear")
    if kind not in _SCALINGS:
        facts.lacks(("rope.scaling.type",), ", ".join(_SCALINGS), kind)
    # The second is its name in older files; 0 is the same as 1.
    factor = facts.number("rope.scaling.factor", "rope.scale_linear", default=1.0) or 1.0
    original = facts.integer("rope.scaling.original_context_length", default=context)
    magnitude = _magnitude(facts)
    name = _FACTORS[length > original] if _FACTORS[False] in weights.tensors else _FREQUENCIES
    factors = _factors(weights, name, size) if name in weights.tensors else (1.0,) * (size // 2)
    if kind == "yarn":
        if name in weights.tensors:
            facts.lacks(("rope.scaling.type",), f"none or linear with a tensor '{name}'", kind)
        scaling = Facts({"factor": factor}, weights.path)
        rope = frequencies.yarn(base, size, scaling, original, context)
        return dataclasses.replace(rope, magnitude=rope.magnitude * magnitude)
    divisor = 1.0 if kind == "none" else factor
    return frequencies.divided(base, size, tuple(each * divisor for each in factors), magnitude)


def _magnitude(facts: Facts) -> float:
    """The factor of cosines and sines, whatever changes their frequencies."""
    return facts.number("rope.scaling.attn_factor", default=1.0)


def _factors(weights: Weights, name: str, size: int) -> tuple[float, ...]:
    tensor = weights.tensors.get(name)
    factors = np.empty(0) if tensor is None else tensor.array()
    if factors.shape != (size // 2,) or not (factors > 0).all():
        raise DataLossError(
            f"{weights.path}: tensor '{name}': expected {size // 2} positive numbers."
        )
    return tuple(factors.astype(np.float64).tolist())
