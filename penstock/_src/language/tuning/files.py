"""Adapters in files: folders of Hugging Face's PEFT, `adapter_config.json` and `adapter_model.safetensors`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock._src.filesystems.whole import written_whole
from penstock._src.formats.safetensors import file, folder
from penstock._src.formats.weights.stored import StoredTensor, stored
from penstock._src.language.families.facts import is_finite
from penstock._src.language.families.names import LAYOUTS
from penstock._src.language.families.table import FAMILIES
from penstock._src.language.tuning.adapters import TARGETS, Adapter, Place

_CONFIG, _TENSORS = "adapter_config.json", "adapter_model.safetensors"
_DOWN, _UP = "lora_A.weight", "lora_B.weight"
# Properties of adapters of other kinds.
_MOST_RANK = 1 << 16  # more than any matrix has
_REFUSED = ("use_dora", "use_rslora", "rank_pattern", "alpha_pattern", "modules_to_save")
# PEFT's prefix of the names of a causal model's tensors.
_PREFIX = "base_model.model."
_OUTER = {"gpt2": "transformer.", "gpt_neox": "gpt_neox."}


def write(path: str, family: str, adapters: Mapping[Place, Adapter]) -> None:
    """Writes a folder.

    Args:
      path: the folder; it is made if it is not there.
      family: the name of the model's family.
      adapters: by layer and name.
    """
    names = {place: _name(family, place) for place in adapters}
    tensors = {}
    for place, adapter in adapters.items():
        for part, variable in _parts(adapter):
            tensors[f"{names[place]}.{part}"] = stored(np.asarray(variable.numpy()))
    first = next(iter(adapters.values()))
    rank = int(first.down.shape[0])
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": first.scale * rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "target_modules": sorted({_pattern(family, target)[1] for _, target in adapters}),
    }
    os.makedirs(path, exist_ok=True)
    file.write(tensors, os.path.join(path, _TENSORS), {"format": "pt"})
    with written_whole(os.path.join(path, _CONFIG)) as out:
        out.write(json.dumps(config, indent=2).encode())


@dataclass(frozen=True, eq=False)
class StoredAdapters:
    """The adapters in a folder.

    Attributes:
      path: the folder.
      family: the name of the model's family.
      rank: of the adapters.
      alpha: what they add is multiplied by `alpha / rank`.
      tensors: by PEFT's names.
    """

    path: str
    family: str
    rank: int
    alpha: float
    tensors: Mapping[str, StoredTensor]

    def targets(self) -> list[str]:
        """Returns the names of the matrices that have adapters.

        Raises:
          InvalidArgumentError: there are none of the family.
        """
        patterns = {target: _expression(self.family, target) for target in TARGETS}
        matrices = [
            t for t, pattern in patterns.items() if any(map(pattern.fullmatch, self.tensors))
        ]
        if not matrices:
            raise InvalidArgumentError(
                f"{self.path}: there are no adapters of matrices of the family {self.family}."
            )
        return matrices

    def assign(self, adapters: Mapping[Place, Adapter]) -> None:
        """Gives adapters their values: all of them, or none if they do not fit.

        Raises:
          InvalidArgumentError: they are of other matrices, ranks or scales.
        """
        kept, scale = dict(self.tensors), self.alpha / self.rank
        values = []
        for place, adapter in adapters.items():
            if not np.isclose(scale, adapter.scale):
                raise InvalidArgumentError(
                    f"{self.path}: expected adapters with the scale {adapter.scale:g}. Found {scale:g}."
                )
            for part, variable in _parts(adapter):
                name = f"{_name(self.family, place)}.{part}"
                stored_tensor = kept.pop(name, None)
                shape = None if stored_tensor is None else list(stored_tensor.shape)
                if stored_tensor is None or shape != list(variable.shape):
                    raise InvalidArgumentError(
                        f"{self.path}: tensor '{name}': expected the shape {list(variable.shape)}. Found {shape or 'no such tensor'}."
                    )
                values.append((variable, np.asarray(stored_tensor.array(), np.float32)))
        if kept:
            raise InvalidArgumentError(
                f"{self.path}: the model has no adapters for {len(kept)} tensors, as '{min(kept)}'."
            )
        for variable, value in values:
            variable.assign(value)


def read(path: str, family: str) -> StoredAdapters:
    """Returns the adapters in a folder.

    Raises:
      NotFoundError: a file is missing.
      DataLossError: one is damaged.
      UnimplementedError: they are of another kind.
    """
    config = _config(path)
    tensors = file.read(os.path.join(path, _TENSORS)).tensors
    ranks = {
        tensor.shape[0] for name, tensor in tensors.items() if name.endswith(_DOWN) and tensor.shape
    }
    if ranks - {config["r"]}:  # before arrays of that size are made
        raise DataLossError(
            f"{os.path.join(path, _CONFIG)}: 'r': expected the rank of the tensors, {min(ranks)}. Found {config['r']}."
        )
    return StoredAdapters(path, family, config["r"], config.get("lora_alpha", config["r"]), tensors)


def _parts(adapter: Adapter) -> Iterator[tuple[str, Any]]:
    yield _DOWN, adapter.down
    yield _UP, adapter.up


def _pattern(family: str, target: str) -> tuple[str, str]:
    """PEFT's name of a matrix: before the number of the layer, and after it.

    If files store several matrices as one, the names are ours, unknown to PEFT.
    """
    layout = FAMILIES[family].layout
    before, _, after = LAYOUTS[layout].get(target, f"layers.{{}}.{target}").partition(".{}.")
    return f"{_PREFIX}{_OUTER.get(layout, 'model.')}{before}", after


def _name(family: str, place: Place) -> str:
    at, target = place
    before, after = _pattern(family, target)
    return f"{before}.{at}.{after}"


def _expression(family: str, target: str) -> re.Pattern[str]:
    before, after = map(re.escape, _pattern(family, target))
    return re.compile(rf"{before}\.\d+\.{after}\.lora_[AB]\.weight")


def _config(path: str) -> dict[str, Any]:
    name = os.path.join(path, _CONFIG)
    config = folder.read_object(name)
    rank = config.get("r")
    if type(rank) is not int or not 1 <= rank <= _MOST_RANK:
        raise DataLossError(
            f"{name}: 'r': expected a number from 1 to {_MOST_RANK}. Found {rank!r:.40}."
        )
    if not is_finite(config.get("lora_alpha", rank)):
        raise DataLossError(f"{name}: 'lora_alpha': expected a number.")
    refused = {key: config[key] for key in _REFUSED if config.get(key)}
    if config.get("peft_type", "LORA") != "LORA" or refused:
        kind = config.get("peft_type") if not refused else ", ".join(refused)
        raise UnimplementedError(f"{name}: adapters with {kind} are not implemented.")
    return config
