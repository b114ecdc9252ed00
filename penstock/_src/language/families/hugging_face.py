"""Architectures of `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.language.architecture import Architecture, Rope
from penstock._src.language.families import frequencies
from penstock._src.language.families.facts import Facts, is_finite
from penstock._src.language.families.table import ACTIVATIONS, OF_MODEL_TYPE, Family


def architecture_of(config: Mapping[str, Any], where: str, length: int = 0) -> Architecture:
    """Returns the architecture that a `config.json` describes.

    Args:
      config: its object.
      where: the file, for messages.
      length: tokens of the texts that are meant, by which some models choose frequencies; 0: as many as the model was made for.

    Raises:
      DataLossError: a value is missing or cannot be.
      UnimplementedError: the model is of a family, or has a property, that is not implemented.
    """
    facts = Facts(config, where)
    family = _family(facts, where)
    facts = facts.inside("text_config") or facts
    if facts.get("quantization_config") is not None:
        raise UnimplementedError(f"{where}: weights with a 'quantization_config' are not read.")
    if (
        family.is_encoder
        and facts.text("position_embedding_type", default="absolute") != "absolute"
    ):
        facts.lacks(("position_embedding_type",), "absolute", facts.get("position_embedding_type"))
    layers = facts.integer("num_hidden_layers", "n_layer")
    width, heads = (
        facts.integer("hidden_size", "n_embd"),
        facts.integer("num_attention_heads", "n_head"),
    )
    size = facts.integer("head_dim", default=max(width // heads, 1))
    context = facts.integer("max_position_embeddings", "n_positions", default=2048)
    windows = _windows(facts, family, layers)
    ropes, rope_of = _ropes(facts, family, size, context, windows, length)
    return Architecture(
        family=family.name,
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=facts.integer("num_key_value_heads", default=heads),
        head_size=size,
        inner=facts.integer("intermediate_size", "n_inner", default=4 * width),
        vocabulary=facts.integer("vocab_size"),
        context=context,
        norm=family.norm,
        epsilon=facts.number("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", default=1e-5),
        activation=_activation(facts, family),
        windows=windows,
        ropes=ropes,
        rope_of=rope_of,
        attention_scale=facts.number("query_pre_attn_scalar", default=float(size)) ** -0.5,
        is_gated=family.is_gated,
        is_parallel=family.layout == "gpt_neox"
        and facts.flag("use_parallel_residual", default=True),
        attention_cap=facts.number("attn_logit_softcapping", default=0.0),
        logits_cap=facts.number("final_logit_softcapping", default=0.0),
        embedding_scale=float(width) ** 0.5 if family.scales_embeddings else 1.0,
        norms_sums=family.is_encoder,
        is_causal=not family.is_encoder,
    )


def _family(facts: Facts, where: str) -> Family:
    kind = facts.text("model_type")
    if kind not in OF_MODEL_TYPE:
        raise UnimplementedError(
            f"{where}: models of the type '{kind}' are not implemented; there are {sorted(OF_MODEL_TYPE)}."
        )
    return OF_MODEL_TYPE[kind]


def _activation(facts: Facts, family: Family) -> Any:
    name = facts.text(
        "hidden_act", "hidden_activation", "activation_function", default=family.activation
    )
    if family.layout == "gemma":  # files of the first version name another than the model has
        name = facts.text("hidden_activation", default=family.activation)
    if name not in ACTIVATIONS:
        facts.lacks(("hidden_act",), f"one of {sorted(ACTIVATIONS)}", name)
    return ACTIVATIONS[name]


def _windows(facts: Facts, family: Family, layers: int) -> tuple[int, ...]:
    if facts.get("sliding_window") is None or not facts.flag("use_sliding_window", default=True):
        return (0,) * layers
    window = facts.integer("sliding_window")
    kinds = facts.get("layer_types")
    if kinds is None:
        period = facts.integer("sliding_window_pattern", default=family.period)
        first = facts.integer("max_window_layers", default=1) if family.name[:4] == "qwen" else 0
        kinds = [
            "sliding_attention"
            if at >= first and (period == 1 or (at + 1) % period)
            else "full_attention"
            for at in range(layers)
        ]
    known = {"sliding_attention": window, "full_attention": 0}
    if (
        not isinstance(kinds, list)
        or len(kinds) != layers
        or not known.keys() >= set(map(str, kinds))
    ):
        facts.lacks(("layer_types",), f"{layers} of {sorted(known)}", kinds)
    return tuple(known[kind] for kind in kinds)


def _ropes(
    facts: Facts, family: Family, size: int, context: int, windows: tuple[int, ...], length: int
) -> tuple[tuple[Rope, ...], tuple[int, ...]]:
    """The kinds of rotary positions, and which each layer has."""
    if family.has_positions:
        return (), (0,) * len(windows)
    parameters = facts.inside("rope_parameters")
    scaling = parameters or facts.inside("rope_scaling")
    local = None
    if parameters is not None and parameters.get("full_attention") is not None:
        scaling, local = parameters.inside("full_attention"), parameters.inside("sliding_attention")
    base = (parameters and scaling and scaling.get("rope_theta")) or facts.get(
        "rope_theta", "rotary_emb_base"
    )
    base = float(base) if is_finite(base) and base > 1 else 10000.0
    share = facts.number("partial_rotary_factor", "rotary_pct", default=family.turned)
    if scaling is not None:
        share = scaling.number("partial_rotary_factor", default=share)
    turned = int(size * share)
    if turned < 2 or turned % 2 or turned > size:
        facts.refuse(
            ("partial_rotary_factor",), f"an even number of the {size} numbers of a head", share
        )
    whole = _scaled(scaling, facts, base, turned, context, length)
    local_base = facts.number("rope_local_base_freq", default=family.local_base)
    if local is not None:
        local_base = local.number("rope_theta", default=local_base)
    if not local_base:
        return (whole,), (0,) * len(windows)
    return (whole, frequencies.plain(local_base, turned)), tuple(int(w > 0) for w in windows)


def _scaled(
    scaling: Facts | None, facts: Facts, base: float, size: int, context: int, length: int
) -> Rope:
    kind = "default" if scaling is None else scaling.text("rope_type", "type", default="default")
    if scaling is None or kind == "default":
        return frequencies.plain(base, size)
    if kind == "linear":
        return frequencies.linear(base, size, scaling.number("factor"))
    if kind == "llama3":
        return frequencies.llama3(base, size, scaling)
    if kind == "yarn":
        original = scaling.integer("original_max_position_embeddings", default=context)
        return frequencies.yarn(base, size, scaling, original)
    if kind in ("longrope", "su"):
        held = facts.get("original_max_position_embeddings") is not None
        original = (facts if held else scaling).integer("original_max_position_embeddings")
        factors = scaling.numbers(
            "long_factor" if (length or context) > original else "short_factor"
        )
        if len(factors) != size // 2 or not all(each > 0 for each in factors):
            scaling.refuse(("short_factor",), f"{size // 2} positive numbers", len(factors))
        magnitude = scaling.number(
            "attention_factor", default=frequencies.longrope_magnitude(context, original)
        )
        return frequencies.divided(base, size, factors, magnitude)
    scaling.lacks(("rope_type",), "default, linear, llama3, yarn or longrope", kind)
