"""Tests drawn from combinations that hold strategies: `tensorflow.python.distribute.combinations`.

A strategy stands in a combination as a `NamedDistribution`, which says what devices and processes it needs. A test
that needs what this process does not have (accelerators, further workers) is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.config.devices import list_logical_devices
from penstock._src.bridge.testing.combinations import (
    Combination,
    EagerGraphCombination,
    NamedObject,
    OptionalParameter,
    ParameterModifier,
    TestCombination,
    TFVersionCombination,
    combine,
    generate_with,
    times,
)
from penstock._src.function.function import function
from penstock._src.util.export import export

from . import multi_process_runner

tf_function = NamedObject("TfFunction", function)
no_tf_function = NamedObject("NoTfFunction", lambda wrapped: wrapped)


class NamedDistribution:
    """A function that creates a strategy, with a name for the titles of tests, and the strategy's requirements."""

    def __init__(
        self,
        name: str,
        distribution_fn: Callable[[], Any],
        required_gpus: int | None = None,
        required_physical_gpus: int = 0,
        required_tpu: bool = False,
        use_cloud_tpu: bool = False,
        has_chief: bool = False,
        num_workers: int = 1,
        num_ps: int = 0,
        share_gpu: bool = True,
        pool_runner_fn: Callable[[], Any] | None = None,
        no_xla: bool = False,
    ) -> None:
        self._name, self._distribution_fn = name, distribution_fn
        self.required_gpus = required_gpus
        self.required_physical_gpus = required_physical_gpus
        self.required_tpu, self.use_cloud_tpu = required_tpu, use_cloud_tpu
        self.has_chief, self.num_workers, self.num_ps = has_chief, num_workers, num_ps
        self.share_gpu, self.no_xla = share_gpu, no_xla
        self._pool_runner_fn = pool_runner_fn

    @property
    def runner(self) -> Any:
        """Runs the test in further processes; None in this one."""
        return None if self._pool_runner_fn is None else self._pool_runner_fn()

    @property
    def strategy(self) -> Any:
        """A new strategy."""
        return self._distribution_fn()

    def __repr__(self) -> str:
        return self._name


def _distributions(kwargs: dict[str, Any]) -> list[NamedDistribution]:
    return [value for value in kwargs.values() if isinstance(value, NamedDistribution)]


class DistributionParameter(ParameterModifier):
    """Gives a test the strategies of the `NamedDistribution`s."""

    def modified_arguments(
        self, kwargs: dict[str, Any], requested_parameters: Sequence[str]
    ) -> dict[str, Any]:
        """Returns the strategies by parameter."""
        del requested_parameters
        return {
            name: value.strategy
            for name, value in kwargs.items()
            if isinstance(value, NamedDistribution)
        }


_CLUSTER = {"has_chief": False, "num_workers": 1, "runner": None, "share_gpu": True, "num_ps": 0}


class ClusterParameters(ParameterModifier):
    """Gives a test the size of the cluster, as far as it has parameters for it."""

    def modified_arguments(
        self, kwargs: dict[str, Any], requested_parameters: Sequence[str]
    ) -> dict[str, Any]:
        """Returns the facts that the test requires: of the strategy, or as given."""
        named = _distributions(kwargs)
        facts = {
            name: getattr(named[0], name) if named else kwargs.get(name, default)
            for name, default in _CLUSTER.items()
        }
        for name in ("has_chief", "num_workers"):
            if named and kwargs.get(name, facts[name]) != facts[name]:
                raise ValueError(f"both {name} and strategy specified but are not compatible")
        return {name: fact for name, fact in facts.items() if name in requested_parameters}


class DistributionCombination(TestCombination):
    """Makes strategies of `NamedDistribution`s."""

    def parameter_modifiers(self) -> list[Any]:
        """Returns the functions that create the strategies."""
        return [DistributionParameter(), OptionalParameter("use_var_policy")]


class ClusterCombination(TestCombination):
    """Skips a test that needs processes besides this one."""

    def should_execute_combination(self, kwargs: dict[str, Any]) -> tuple[bool, str | None]:
        """Returns whether this process is enough."""
        for named in _distributions(kwargs):
            if named.num_workers + named.has_chief + named.num_ps > 1:
                return False, "The strategy needs several processes, and tests run in one."
        return True, None

    def parameter_modifiers(self) -> list[Any]:
        """Returns the function that returns the size of the cluster."""
        return [ClusterParameters(), *(OptionalParameter(name) for name in _CLUSTER)]


class _AcceleratorCombination(TestCombination):
    """Skips a test that needs more accelerators of a kind than there are."""

    kind = ""
    parameters: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()

    def should_execute_combination(self, kwargs: dict[str, Any]) -> tuple[bool, str | None]:
        """Returns whether there are enough accelerators."""
        named = _distributions(kwargs)
        asked = [int(kwargs.get(name) or 0) for name in self.parameters]
        if named and any(asked):
            raise ValueError(
                f"Do not use {' or '.join(map(repr, self.parameters))} and arguments of type NamedDistribution together."
            )
        asked += [int(getattr(one, name) or 0) for one in named for name in self.requirements]
        have = len(list_logical_devices(self.kind))
        if max(asked, default=0) > have:
            return False, f"Only {have} of {max(asked)} required {self.kind}s are available."
        return True, None

    def parameter_modifiers(self) -> list[Any]:
        """Returns those of the parameters, which the test need not have."""
        return [OptionalParameter(name) for name in self.parameters]


class GPUCombination(_AcceleratorCombination):
    """Skips a test that needs more GPUs than there are."""

    kind = "GPU"
    parameters = requirements = ("required_gpus", "required_physical_gpus")


class TPUCombination(_AcceleratorCombination):
    """Skips a test that needs more TPUs than there are."""

    kind = "TPU"
    parameters = ("required_tpus", "required_tpu", "use_cloud_tpu")
    requirements = ("required_tpu", "use_cloud_tpu")


def concat(*combined: list[Combination]) -> list[Combination]:
    """Returns the combinations of all lists."""
    return [combination for one in combined for combination in one]


@export("__internal__.distribute.combinations.generate", v1=[])
def generate(
    combinations: Sequence[Combination], test_combinations: Sequence[TestCombination] = ()
) -> Callable[[Any], Any]:
    """Returns a decorator of test methods or classes: a test is run with each of the combinations.

    Args:
      combinations: what `combine` and `times` return.
      test_combinations: what is made of the arguments, after this module's own.

    Returns:
      The decorator.
    """
    rules = (
        EagerGraphCombination(),
        TFVersionCombination(),
        ClusterCombination(),
        DistributionCombination(),
        GPUCombination(),
        TPUCombination(),
    )
    return generate_with(combinations, (*rules, *test_combinations))


@export("__internal__.distribute.combinations.in_main_process", v1=[])
def in_main_process() -> bool:
    """True if this is the process that the tests were started in.

    Returns:
      True: the tests start no others.
    """
    return True


class TestEnvironment:
    """The common environment of a test's processes."""

    def __init__(self) -> None:
        self.tf_data_service_dispatcher = None
        self.total_phsyical_gpus: int | None = None


_environment = TestEnvironment()


@export("__internal__.distribute.combinations.env", v1=[])
def env() -> TestEnvironment:
    """Returns what the test's processes have in common.

    Returns:
      A TestEnvironment.
    """
    return _environment


main = multi_process_runner.test_main
