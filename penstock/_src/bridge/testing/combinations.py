"""Tests drawn from combinations of parameters: `tf.__internal__.test.combinations`."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import re
import types
import unittest
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from absl.testing import parameterized

from penstock._src.api.internal import tf2_enabled
from penstock._src.core import dispatch
from penstock._src.graph.graph import Graph
from penstock._src.util.export import export, export_constant

Combination = OrderedDict[str, Any]
_ADDRESS = re.compile("0[xX][0-9a-fA-F]+")


@export("__internal__.test.combinations.TestCombination", v1=[])
class TestCombination:
    """Decides which combinations of parameters run, with which arguments, and in which contexts."""

    def should_execute_combination(self, kwargs: dict[str, Any]) -> tuple[bool, str | None]:
        """Returns whether the test is run with these arguments, and if not the reason."""
        del kwargs
        return True, None

    def parameter_modifiers(self) -> list[Any]:
        """Returns the `ParameterModifier`s of arguments."""
        return []

    def context_managers(self, kwargs: dict[str, Any]) -> list[Any]:
        """Returns the contexts that the test runs in."""
        del kwargs
        return []


@export("__internal__.test.combinations.ParameterModifier", v1=[])
class ParameterModifier:
    """Changes arguments before a test is called with them. Two with one name, or without one of one class, are equal.

    Args:
      parameter_name: of the parameter that is changed, or None.
    """

    DO_NOT_PASS_TO_THE_TEST = object()

    def __init__(self, parameter_name: str | None = None) -> None:
        self._parameter_name = parameter_name

    def modified_arguments(
        self, kwargs: dict[str, Any], requested_parameters: Sequence[str]
    ) -> dict[str, Any]:
        """Returns other values of arguments, by name.

        Args:
          kwargs: all arguments.
          requested_parameters: the names of the test's parameters.
        """
        del kwargs, requested_parameters
        return {}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and (
            self._parameter_name == other._parameter_name  # type: ignore[attr-defined]
        )

    def __hash__(self) -> int:
        return hash(self._parameter_name) if self._parameter_name else id(type(self))


@export("__internal__.test.combinations.OptionalParameter", v1=[])
class OptionalParameter(ParameterModifier):
    """A parameter that a test need not have, since a `TestCombination` makes something of it.

    Args:
      parameter_name: of the parameter.
    """

    def modified_arguments(
        self, kwargs: dict[str, Any], requested_parameters: Sequence[str]
    ) -> dict[str, Any]:
        """Returns the mark that leaves the argument out, unless the test has the parameter."""
        if self._parameter_name in requested_parameters:
            return {}
        return {str(self._parameter_name): ParameterModifier.DO_NOT_PASS_TO_THE_TEST}


class EagerGraphCombination(TestCombination):
    """Runs a test whose parameter `mode` is "eager" or "graph" that way."""

    def context_managers(self, kwargs: dict[str, Any]) -> list[Any]:
        """Returns the context of the mode."""
        mode = kwargs.pop("mode", None)
        if mode not in (None, "eager", "graph"):
            raise ValueError(
                f"Argument 'mode' must be either 'eager' or 'graph'. Received: {mode}."
            )
        contexts = {
            "eager": lambda: [dispatch.building(None)],
            "graph": lambda: [Graph().as_default()],
        }
        return [] if mode is None else contexts[mode]()

    def parameter_modifiers(self) -> list[Any]:
        """Returns that of `mode`, which the test need not have."""
        return [OptionalParameter("mode")]


class TFVersionCombination(TestCombination):
    """Skips a test whose parameter `tf_api_version` is another version than the current one."""

    def should_execute_combination(self, kwargs: dict[str, Any]) -> tuple[bool, str | None]:
        """Returns whether the version is the current one."""
        version = kwargs.pop("tf_api_version", None)
        if version == 1 and tf2_enabled():
            return False, "Skipping a TF1.x test when TF2 is enabled."
        if version == 2 and not tf2_enabled():
            return False, "Skipping a TF2 test when TF2 is not enabled."
        return True, None

    def parameter_modifiers(self) -> list[Any]:
        """Returns that of `tf_api_version`, which the test need not have."""
        return [OptionalParameter("tf_api_version")]


def generate_with(
    combinations: Sequence[Combination], test_combinations: Sequence[TestCombination] = ()
) -> Callable[[Any], Any]:
    """Returns a decorator of test methods or classes: a test is run with each of the combinations."""
    named: list[Combination] = []
    for combination in combinations:
        assert isinstance(combination, OrderedDict)
        words = [
            f"_{_letters(key)}_{_letters(_ADDRESS.sub(str(place), str(value)))}"
            for place, (key, value) in enumerate(combination.items())
        ]
        named.append(
            OrderedDict([*combination.items(), ("testcase_name", "_test" + "".join(words))])
        )

    def decorate(decorated: Any) -> Any:
        if not isinstance(decorated, type):
            return parameterized.named_parameters(*named)(_customized(decorated, test_combinations))
        for name, method in list(vars(decorated).items()):
            if name.startswith(unittest.TestLoader.testMethodPrefix) and isinstance(
                method, types.FunctionType
            ):
                delattr(decorated, name)
                run = _customized(method, test_combinations)
                for combination in named:
                    kwargs = dict(combination)
                    setattr(decorated, name + kwargs.pop("testcase_name"), _method(run, kwargs))
        return decorated

    return decorate


def _method(run: Callable[..., None], kwargs: dict[str, Any]) -> Callable[..., None]:
    def test(self: Any) -> None:
        run(self, **kwargs)

    return test


# Libraries read the keyword `test_combinations` of this partial function to add their own.
generate = functools.partial(
    generate_with, test_combinations=(EagerGraphCombination(), TFVersionCombination())
)
generate.__doc__ = """Returns a decorator of test methods or classes: a test is run with each of the combinations.

Args:
  combinations: what `combine` and `times` return. The parameters `mode` ("eager" or "graph")
    and `tf_api_version` (1 or 2) say how the test is run.
  test_combinations: what is made of the arguments.

Returns:
  The decorator.
"""
export_constant("__internal__.test.combinations.generate", generate, v1=[])


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _customized(method: Callable[..., Any], rules: Sequence[TestCombination]) -> Any:
    """Returns the test as a method that treats its arguments by the rules."""

    def run(self: Any, **kwargs: Any) -> None:
        decisions = [rule.should_execute_combination(dict(kwargs)) for rule in rules]
        reasons = [f" - {reason}" for runs, reason in decisions if not runs]
        if reasons:
            self.skipTest("\n".join(reasons))
        with contextlib.ExitStack() as stack:
            for rule in rules:
                for context in rule.context_managers(dict(kwargs)):
                    stack.enter_context(context)
            method(self, **_arguments(method, rules, kwargs))

    return run


def _arguments(
    method: Callable[..., Any], rules: Sequence[TestCombination], arguments: dict[str, Any]
) -> dict[str, Any]:
    requested = inspect.getfullargspec(inspect.unwrap(method)).args
    passed = dict(arguments)
    for modifier in {modifier for rule in rules for modifier in rule.parameter_modifiers()}:
        passed.update(modifier.modified_arguments(dict(arguments), requested))
    mark = ParameterModifier.DO_NOT_PASS_TO_THE_TEST
    passed = {name: value for name, value in passed.items() if value is not mark}
    missing, other = set(requested) - {"self", *passed}, {"self", *passed} - set(requested)
    if missing:
        raise ValueError(
            f"The test requires parameters whose arguments were not passed: {missing} ."
        )
    if other:
        raise ValueError(f"The test does not take parameters that were passed : {other} .")
    return passed


@export("__internal__.test.combinations.combine", v1=[])
def combine(**kwargs: Any) -> list[Combination]:
    """Returns all combinations of the values of parameters: a list of values for each, or one value.

    Args:
      **kwargs: for each parameter a list of values, or one value.

    Returns:
      A list of ordered dicts.
    """
    names = sorted(kwargs)
    values = [kwargs[name] if isinstance(kwargs[name], list) else [kwargs[name]] for name in names]
    return [OrderedDict(zip(names, row, strict=True)) for row in itertools.product(*values)]


@export("__internal__.test.combinations.times", v1=[])
def times(*combined: list[Combination]) -> list[Combination]:
    """Returns the combinations of every combination of each list with those of the others.

    Args:
      *combined: lists of combinations.

    Returns:
      A list of ordered dicts.

    Raises:
      ValueError: two lists have a parameter in common.
    """
    assert combined
    products = []
    for row in itertools.product(*combined):
        combination: Combination = OrderedDict()
        for part in row:
            if combination.keys() & part.keys():
                raise ValueError(f"Keys need to not overlap: {list(combination)} vs {list(part)}")
            combination.update(part)
        products.append(combination)
    return products


@export("__internal__.test.combinations.NamedObject", v1=[])
class NamedObject:
    """An object with a name that fits into the name of a test.

    Args:
      name: what `repr` shows.
      obj: the object.
    """

    def __init__(self, name: str, obj: Any) -> None:
        self._name, self._obj = name, obj

    def __getattr__(self, name: str) -> Any:
        return getattr(self._obj, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the object."""
        return self._obj(*args, **kwargs)

    def __iter__(self) -> Any:
        return iter(self._obj)

    def __repr__(self) -> str:
        return self._name


def generate_combinations_with_testcase_name(**kwargs: Any) -> list[Combination]:
    """Returns `combine(**kwargs)`, each with a `testcase_name`, for absl's named parameters."""
    combinations = []
    for combination in combine(**kwargs):
        words = [f"_{_letters(key)}_{_letters(str(value))}" for key, value in combination.items()]
        name = "_test" + "".join(words)
        combinations.append(OrderedDict([*combination.items(), ("testcase_name", name)]))
    return combinations
