"""Configuration of the models and versions to serve."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Literal

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export

# TensorFlow Serving's path of Prometheus's metrics.
METRICS_PATH = "/monitoring/prometheus/metrics"


@export("serving.VersionPolicy", v1=[])
@dataclass(frozen=True)
class VersionPolicy:
    """Choice of the available versions to serve.

    Args:
      kind: "latest", "all" or "specific".
      count: how many of the latest.
      versions: the specific ones.
    """

    kind: Literal["latest", "all", "specific"] = "latest"
    count: int = 1
    versions: tuple[int, ...] = ()

    def chosen(self, available: Iterable[int]) -> list[int]:
        """Returns the versions to serve, increasing.

        Args:
          available: the versions that are there.

        Returns:
          A list of ints.
        """
        versions_in_order = sorted(available)
        if self.kind == "latest":
            return versions_in_order[-self.count :]
        if self.kind == "specific":
            return [version for version in versions_in_order if version in self.versions]
        return versions_in_order


@export("serving.ModelConfig", v1=[])
@dataclass(frozen=True)
class ModelConfig:
    """A model to serve.

    Args:
      name: that clients use.
      base_path: a folder with a folder for each version, named by its number; or a model itself, which is then version 1.
      policy: which versions.
      labels: {label: version}, names that clients may use in place of numbers.
    """

    name: str
    base_path: str
    policy: VersionPolicy = VersionPolicy()
    labels: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name or not self.base_path:
            raise InvalidArgumentError(
                f"A model needs a name and a base path. Received name='{self.name}', base_path='{self.base_path}'."
            )
        if self.policy.kind == "latest" and self.policy.count < 1:
            raise InvalidArgumentError(
                f"{self.name}: the number of latest versions must be at least 1. Received {self.policy.count}."
            )


def by_name(configs: Iterable[ModelConfig]) -> dict[str, ModelConfig]:
    """Returns the configurations by the names of models.

    Raises:
      InvalidArgumentError: two have the same name.
    """
    named: dict[str, ModelConfig] = {}
    for config in configs:
        if config.name in named:
            raise InvalidArgumentError(f"There are two models of the name '{config.name}'.")
        named[config.name] = config
    return named
