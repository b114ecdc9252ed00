"""Architectures of `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.language.architecture import Architecture, default_length
from penstock._src.language.families.facts import Facts
from penstock._src.language.families.rotary import ropes_of
from penstock._src.language.families.table import ACTIVATIONS, OF_MODEL_TYPE, Family

# Fields that change what some family computes, with values that change nothing, as null. Other families do not have them, so a file in
# which one says something is refused.
_CHANGING: Mapping[str, tuple[Any, ...]] = {
    "add_cross_attention": (False,),
    "alibi": (False,),
    "attention_multiplier": (False,),
    "attn_logit_softcapping": (False,),
    "clip_qkv": (False,),
    "embedding_multiplier": (False, 1.0),
    "final_logit_softcapping": (False,),
    "do_layer_norm_before": (True,),
    "is_decoder": (False,),
    "_remove_final_layer_norm": (False,),
    "logit_scale": (False, 1.0),
    "logits_scaling": (False, 1.0),
    "no_rope_layers": (False,),
    "qk_layernorm": (False,),
    "quantization_config": (False,),
    "query_pre_attn_scalar": (False,),
    "residual_multiplier": (False, 1.0),
    "scale_attn_by_inverse_layer_idx": (False,),
    "scale_attn_weights": (True,),
    "use_bidirectional_attention": (False,),
    "use_qk_norm": (False,),
}
_MOST_LAYERS = 1 << 12
# Types of models that read pictures, too, around a model of texts of a type of its own.
_AROUND_OTHERS = ("mistral3",)
_FULL, _SLIDING = "full_attention", "sliding_attention"
_INNER = ("intermediate_size", "n_inner", "ffn_dim", "hidden_dim")
_EPSILON = ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps")


def architecture_of(config: Mapping[str, Any], where: str, length: int = 0) -> Architecture:
    """Returns the architecture that a `config.json` describes.

    Args:
      config: its object.
      where: the file, for messages.
      length: expected number of tokens of a text, by which some models choose frequencies; 0 for the default size of the cache.

    Raises:
      DataLossError: a value is missing or cannot be.
      UnimplementedError: the model is of a family, or has a property, that is not implemented.
    """
    facts = Facts(config, where)
    family = _family(facts, where)
    facts = (facts.inside("text_config") or facts).over(family.defaults)
    _refuse_other_computations(facts, family)
    layers = facts.integer("num_hidden_layers", "n_layer", "n_layers", "num_layers")
    width = facts.integer("hidden_size", "n_embd", "dim")
    heads = facts.integer("num_attention_heads", "n_head", "n_heads", "num_heads")
    size = facts.integer("head_dim", default=max(width // heads, 1))
    context = facts.integer("max_position_embeddings", "n_positions", default=2048)
    first = _first_position(facts, family)
    if family.first_position == "padding":
        context = max(context - first, 1)
    windows = _windows(facts, family, layers)
    length = length or default_length(context)
    ropes, rope_of = ropes_of(facts, family, size, context, windows, length)
    return Architecture(
        family=family.name,
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=_kv_heads(facts, family, heads),
        head_size=size,
        inner=facts.integer(*_INNER, default=4 * width),
        vocabulary=facts.integer("vocab_size"),
        context=context,
        norm=family.norm,
        epsilon=facts.number(*_EPSILON, default=1e-5),
        activation=_activation(facts, family),
        windows=windows,
        ropes=ropes,
        rope_of=rope_of,
        attention_scale=_attention_scale(facts, size),
        is_gated=family.is_gated,
        is_parallel=_is_parallel(facts, family),
        attention_cap=facts.number("attn_logit_softcapping", default=0.0),
        logits_cap=facts.number("final_logit_softcapping", default=0.0),
        embedding_scale=float(width) ** 0.5
        if family.scales_embeddings
        else facts.number("embedding_multiplier", default=1.0),
        norms_sums=family.norms_sums,
        residual_scale=facts.number("residual_multiplier", default=1.0),
        logits_scale=facts.number("logit_scale", default=1.0)
        / facts.number("logits_scaling", default=1.0),
        first_position=first,
        is_causal=not family.is_encoder,
    )


def _refuse_other_computations(facts: Facts, family: Family) -> None:
    """Raises for a property that changes what a model computes, and that its family does not read."""
    for name, neutral in _CHANGING.items():
        value = facts.get(name)
        if name not in family.reads and value is not None and value not in neutral:
            facts.lacks((name,), " or ".join(map(repr, neutral)), value)
    positions = "position_embedding_type"
    if family.is_encoder and facts.text(positions, default="absolute") != "absolute":
        facts.lacks((positions,), "absolute", facts.get(positions))


def _attention_scale(facts: Facts, size: int) -> float:
    if facts.get("attention_multiplier") is not None:
        return facts.number("attention_multiplier")
    return facts.number("query_pre_attn_scalar", default=float(size)) ** -0.5


def _is_parallel(facts: Facts, family: Family) -> bool:
    if family.is_parallel is None:
        return False
    return facts.flag("use_parallel_residual", default=family.is_parallel)


def _kv_heads(facts: Facts, family: Family, heads: int) -> int:
    if "multi_query" in family.reads:  # such models do not look at another number
        return 1 if facts.flag("multi_query", default=True) else heads
    return facts.integer("num_key_value_heads", default=heads)


def _first_position(facts: Facts, family: Family) -> int:
    """The row of the first token in the table of positions."""
    if family.first_position != "padding":
        return family.first_position
    padding = facts.get("pad_token_id")
    if type(padding) is not int or not 0 <= padding < 1 << 28:
        facts.refuse(("pad_token_id",), "a token", padding)
    return padding + 1


def _family(facts: Facts, where: str) -> Family:
    kind, text = facts.text("model_type"), facts.inside("text_config")
    if kind in _AROUND_OTHERS and text is not None:
        kind = text.text("model_type")
    if kind not in OF_MODEL_TYPE:
        raise UnimplementedError(
            f"{where}: models of the type '{kind}' are not implemented; there are {sorted(OF_MODEL_TYPE)}."
        )
    return OF_MODEL_TYPE[kind]


def _activation(facts: Facts, family: Family) -> Any:
    names: tuple[str, ...] = (
        "hidden_act",
        "hidden_activation",
        "activation_function",
        "activation",
    )
    if family.layout == "gemma":  # files of the first version name another than the model has
        names = names[1:2]
    if facts.get(*names) is None:
        return family.activation
    name = facts.text(*names)
    if name not in ACTIVATIONS:
        facts.lacks(("hidden_act",), f"one of {sorted(ACTIVATIONS)}", name)
    return ACTIVATIONS[name]


def _windows(facts: Facts, family: Family, layers: int) -> tuple[int, ...]:
    if family.layout == "modernbert":  # half of the window lies before a token, half after it
        half = facts.integer("local_attention") // 2
        every = facts.integer("global_attn_every_n_layers")
        kinds = [_FULL if at % every == 0 else _SLIDING for at in range(layers)]
        return _of_kinds(facts, facts.get("layer_types") or kinds, half + 1, layers)
    if family.layout == "gpt_neo":
        return _of_kinds(facts, _repeated(facts), facts.integer("window_size"), layers)
    if facts.get("sliding_window") is None or not facts.flag("use_sliding_window", default=True):
        return (0,) * layers
    window = facts.integer("sliding_window")
    if not family.has_windows:
        if window < facts.integer("max_position_embeddings"):
            facts.lacks(("sliding_window",), "no window", window)
        return (0,) * layers
    kinds = facts.get("layer_types")
    if kinds is None:
        names = ("sliding_window_pattern", "_sliding_window_pattern")
        period = facts.integer(*names, default=family.period)
        first = facts.integer("max_window_layers", default=1) if family.name[:4] == "qwen" else 0
        kinds = [
            _SLIDING if at >= first and (period == 1 or (at + 1) % period) else _FULL
            for at in range(layers)
        ]
    return _of_kinds(facts, kinds, window, layers)


def _repeated(facts: Facts) -> list[str]:
    """The kinds of layers in GPT-Neo's form: pairs of kinds and how often they follow each other."""
    form = "pairs of lists of 'global' and 'local', and how often they follow each other"
    kinds: list[str] = []
    pairs = facts.get("attention_types") or [[["global", "local"], 12]]
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        match pair:
            case [list() as names, int() as times] if {"global", "local"} >= set(map(str, names)):
                # More layers than any model has would only take memory.
                kinds += names * min(max(times, 0), _MOST_LAYERS)
            case _:
                facts.refuse(("attention_types",), form, pairs)
    return [_FULL if name == "global" else _SLIDING for name in kinds]


def _of_kinds(facts: Facts, kinds: Any, window: int, layers: int) -> tuple[int, ...]:
    known = {_SLIDING: window, _FULL: 0}
    if (
        not isinstance(kinds, list)
        or len(kinds) != layers
        or not known.keys() >= set(map(str, kinds))
    ):
        facts.lacks(("layer_types",), f"{layers} of {sorted(known)}", kinds)
    return tuple(known[kind] for kind in kinds)
