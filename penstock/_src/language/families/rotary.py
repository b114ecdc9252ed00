"""Rotary positions of `config.json`, in the forms of older and newer files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penstock._src.language.architecture import Rope
from penstock._src.language.families import frequencies
from penstock._src.language.families.facts import Facts
from penstock._src.language.families.table import Family

_FULL, _SLIDING = "full_attention", "sliding_attention"
# What each kind of scaling says; every other field might change frequencies, and is refused.
_ALWAYS = frozenset({"rope_type", "type", "rope_theta", "partial_rotary_factor", "finetuned"})
_ORIGINAL = "original_max_position_embeddings"
_FIELDS: Mapping[str, frozenset[str]] = {
    "default": frozenset({_ORIGINAL, "factor"}),
    "linear": frozenset({_ORIGINAL, "factor"}),
    "dynamic": frozenset({_ORIGINAL, "factor"}),
    "llama3": frozenset({_ORIGINAL, "factor", "low_freq_factor", "high_freq_factor"}),
    "yarn": frozenset(
        {_ORIGINAL, "factor", "attention_factor", "beta_fast", "beta_slow"}
        | {"truncate", "mscale", "mscale_all_dim"}
    ),
    "longrope": frozenset({_ORIGINAL, "factor", "attention_factor", "short_factor", "long_factor"}),
}
_KINDS = {"su": "longrope"}
# Of models whose queries grow with their positions; the second repeats the length that the model is made for.
_GROWTH, _GROWTH_FIELDS = (
    "llama_4_scaling_beta",
    {"llama_4_scaling_beta", "max_position_embeddings"},
)


def ropes_of(
    facts: Facts, family: Family, size: int, context: int, windows: tuple[int, ...], length: int
) -> tuple[tuple[Rope, ...], tuple[int, ...]]:
    """Returns the kinds of rotary positions, and which each layer has.

    Args:
      facts: of the model.
      family: its row of the table.
      size: numbers of a head.
      context: tokens that the model was made for.
      windows: of each layer; 0 for none.
      length: tokens of the texts that are meant.

    Raises:
      DataLossError: a value is missing or cannot be.
      UnimplementedError: positions are scaled in a way that is not implemented.
    """
    if family.has_positions:
        return (), (0,) * len(windows)
    parameters = facts.inside("rope_parameters")
    base = _base(facts, "rope_theta", "rotary_emb_base", "global_rope_theta", default=family.base)
    if parameters is not None and parameters.get(_FULL, _SLIDING) is not None:
        whole, local = parameters.inside(_FULL), parameters.inside(_SLIDING)
    else:
        whole, local = parameters or facts.inside("rope_scaling"), None
    frequencies = _Frequencies(facts, family, size, context, length)
    if family.local_base is None:
        if local is not None and local != whole:
            facts.lacks(("rope_parameters",), "the same for all layers", "several")
        return (frequencies.of(whole, base),), _turning(facts, family, windows)
    names = ("rope_local_base_freq", "local_rope_theta")
    local_base = _base(facts, *names, default=family.local_base or base)
    turned = frequencies.of(whole, base), frequencies.of(local, local_base)
    return turned, tuple(int(window > 0) for window in windows)


def _turning(facts: Facts, family: Family, windows: tuple[int, ...]) -> tuple[int, ...]:
    """0 for each layer whose heads are turned, -1 for others."""
    count = len(windows)
    if family.turning == "all":
        return (0,) * count
    if family.turning == "windows":
        has_some = any(windows) or facts.get("sliding_window") is not None
        return turned_with_windows(windows, has_some)
    every = facts.integer("no_rope_layer_interval", default=4)
    usual = [int((at + 1) % every != 0) for at in range(count)]
    chosen = facts.get("no_rope_layers") or usual  # 1 for those that are turned
    if not isinstance(chosen, list) or len(chosen) != count or not {0, 1} >= set(chosen):
        facts.refuse(("no_rope_layers",), f"{count} of 0 and 1", chosen)
    return tuple(each - 1 for each in chosen)


def turned_with_windows(windows: tuple[int, ...], has_some: bool) -> tuple[int, ...]:
    """Returns 0 for layers with a window and -1 for others, if a model has windows; else 0 for all."""
    return tuple(0 if window or not has_some else -1 for window in windows)


def _base(facts: Facts, *names: str, default: float) -> float:
    base = facts.number(*names, default=default)
    if base <= 1:
        facts.refuse(names, "a number above 1", base)
    return base


class _Frequencies:
    """Makes frequencies of what a file says of them.

    Args:
      facts, family, size, context, length: as of `ropes_of`.
    """

    def __init__(self, facts: Facts, family: Family, size: int, context: int, length: int) -> None:
        self._facts, self._family, self._size = facts, family, size
        self._context, self._length = context, length

    def of(self, scaling: Facts | None, base: float) -> Rope:
        """Returns frequencies.

        Args:
          scaling: the object in the file; None for plain frequencies.
          base: unless the object has another one.
        """
        scaling = Facts({}, "") if scaling is None else scaling
        kind = scaling.text("rope_type", "type", default="default")
        kind = _KINDS.get(kind, kind)
        if kind not in _FIELDS:
            scaling.lacks(("rope_type",), f"one of {sorted(_FIELDS)}", kind)
        grows = _GROWTH in self._family.reads
        scaling.only(_ALWAYS | _FIELDS[kind] | (_GROWTH_FIELDS if grows else set()))
        rope = self._of_kind(scaling, kind, base)
        growth = scaling.number(_GROWTH, default=0.0) if grows else 0.0
        if not growth:
            return rope
        return replace(rope, growth=growth, growth_length=scaling.integer(_ORIGINAL))

    def _of_kind(self, scaling: Facts, kind: str, base: float) -> Rope:
        facts = self._facts
        base = _base(scaling, "rope_theta", default=base)
        size = self._turned(scaling)
        if kind == "default":
            return frequencies.plain(base, size)
        if kind == "linear":
            return frequencies.linear(base, size, scaling.number("factor"))
        if kind == "dynamic":
            if self._length > self._context:
                scaling.lacks(
                    ("rope_type",),
                    f"other than 'dynamic' for texts of more than {self._context} tokens",
                    f"{kind}, for {self._length} tokens",
                )
            return frequencies.plain(base, size)
        if kind == "llama3":
            return frequencies.llama3(base, size, scaling)
        has_original = facts.get(_ORIGINAL) is not None
        original = (facts if has_original else scaling).integer(_ORIGINAL, default=self._context)
        if kind == "yarn":
            return frequencies.yarn(base, size, scaling, original, self._context)
        return self._longrope(scaling, base, size, original)

    def _longrope(self, scaling: Facts, base: float, size: int, original: int) -> Rope:
        factors = scaling.numbers("long_factor" if self._length > original else "short_factor")
        if len(factors) != size // 2 or not all(each > 0 for each in factors):
            scaling.refuse(("short_factor",), f"{size // 2} positive numbers", len(factors))
        ratio = scaling.number("factor", default=self._context / original)
        magnitude = scaling.number(
            "attention_factor", default=frequencies.longrope_magnitude(ratio, original)
        )
        return frequencies.divided(base, size, factors, magnitude)

    def _turned(self, scaling: Facts) -> int:
        """Number of elements of a head that are rotated."""
        names = ("partial_rotary_factor", "rotary_pct")
        usual = self._family.turned
        if "rotary_dim" in self._family.reads:
            return self._facts.integer("rotary_dim", default=self._size)
        share = scaling.number(names[0], default=self._facts.number(*names, default=usual or 1.0))
        if usual is None and share != 1:
            self._facts.lacks(
                names, f"1, as models of the type {self._family.models[0]!r} have it", share
            )
        turned = int(self._size * share)
        if turned < 2 or turned % 2 or turned > self._size:
            self._facts.refuse(
                names, f"an even number of the {self._size} numbers of a head", share
            )
        return turned
