"""A program whose results are compared with the interpretation of the lowered function."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.check.members import Members, Ways
from penstock._src.compiler.check.oracle import Oracle
from penstock._src.compiler.check.poison import poisoned
from penstock._src.compiler.plan.verify import simulate
from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError, InvalidArgumentError, OpError
from penstock._src.core.values import resources
from penstock._src.core.values.device_array import on_host
from penstock._src.ir.function import Function


class CheckedProgram:
    """A program whose results and new values of variables are compared with the interpreter's, at every n-th run.

    Raises:
      InternalError: at a run whose results differ; it names the stage, the result and its first wrong element.
    """

    def __init__(
        self, stages: Sequence[tuple[str, Function]], program: Any, every: int = 1
    ) -> None:
        """`stages` are (name, result) of each stage, from the lowered function to the one from which `program` was made."""
        self.stages, self.program, self.every, self.runs = stages, program, every, 0
        self.function = function = stages[0][1]
        index = {p.id: i for i, p in enumerate(function.parameters)}
        self.updated = [index[handle.id] for handle, _ in function.updates]
        self.ways = ways_of(program)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.program, name)

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """The program's results, compared."""
        self.runs += 1
        if (self.runs - 1) % self.every:
            return self.program.run(arguments)
        with resources.UPDATING:  # so that variables do not change between the snapshot and the run
            copies = [
                _snapshot(a, p) for a, p in zip(arguments, self.function.parameters, strict=True)
            ]
            refusal = None
            results: list[Any] = []
            try:
                results = self.program.run(arguments)
            except OpError as error:
                refusal = error
            new = [np.array(arguments[i].value) for i in self.updated]
        if any(array is None for array in copies):
            assert refusal is not None, "a variable without a value was read"
            raise refusal
        computed = [*map(on_host, results), *new]
        oracle = self._oracle(copies, refusal)
        self._look_at_arguments(arguments, copies)
        if self.runs == 1:
            self._compare_stages(oracle, copies)
        if oracle.wrong(computed) is not None:
            self._compare(self._at_fault(oracle, copies), oracle, computed)
        return results

    def _oracle(self, copies: list[np.ndarray], refusal: OpError | None) -> Oracle:
        """The oracle of the arguments; raises the program's own refusal where the function refuses them, too."""
        try:
            oracle = Oracle(self.function, copies, self.ways)
        except InvalidArgumentError as error:
            if refusal is None:
                raise InternalError(
                    f"{self.function.name}: the program gave results where {error}"
                ) from error
            raise refusal from None
        if refusal is not None:
            raise InternalError(
                f"{self.function.name}: the program refused what it must compute."
            ) from refusal
        return oracle

    def _compare_stages(self, oracle: Oracle, copies: list[np.ndarray]) -> None:
        last = oracle.function
        for name, function in self.stages[1:]:
            # The stage has changed nothing.
            if function is last:
                continue
            results, updates = Members(0).run(function, [[a] for a in copies])
            new = self._by_handle(function, [v[0] for v in updates], copies)
            self._compare(f"stage '{name}'", oracle, [*[v[0] for v in results], *new])
            last = function

    def _at_fault(self, oracle: Oracle, copies: list[np.ndarray]) -> str:
        """Names the stage at fault for a wrong program: scheduling or code generation."""
        _, function = self.stages[-1]
        try:
            results, updates = simulate.run(function, copies)
        except simulate.TooLarge:
            return "the program"
        except InternalError:  # a kernel as scheduled has an invalid read or store
            return "scheduling"
        computed = [*results, *self._by_handle(function, updates, copies)]
        return "code generation" if oracle.wrong(computed) is None else "scheduling"

    def _by_handle(
        self, function: Function, updates: Sequence[Any], copies: list[np.ndarray]
    ) -> list[Any]:
        """New values of the variables that the lowered function updates; those that a stage left alone keep theirs."""
        new = {handle.id: value for (handle, _), value in zip(function.updates, updates)}
        return [new.get(self.function.parameters[i].id, copies[i]) for i in self.updated]

    def _look_at_arguments(self, arguments: Sequence[Any], copies: list[np.ndarray]) -> None:
        for i, (argument, before) in enumerate(zip(arguments, copies)):
            # Variables are what a program may change.
            handle = self.function.parameters[i].dtype == dtypes.resource
            if not handle and np.asarray(argument).tobytes() != before.tobytes():
                raise InternalError(f"{self.function.name}: the program changed argument {i}.")

    def _compare(self, stage: str, oracle: Oracle, results: Sequence[Any]) -> None:
        wrong = oracle.wrong(results)
        if wrong is None:
            return
        i, place = wrong
        function = oracle.function
        if i < len(function.results):
            what, node = f"result {i}", function.results[i]
        else:
            handle, node = function.updates[i - len(function.results)]
            what = f"variable '{handle.attrs.get('name', handle.id)}'"
        origin = f" from {node.origin!r}" if node.origin is not None else ""
        got, right = np.asarray(results[i]), oracle.center[i]
        if got.shape != right.shape or got.dtype != right.dtype:
            difference = (
                f"is {got.dtype}{list(got.shape)} instead of {right.dtype}{list(right.shape)}"
            )
        else:
            difference = f"differs at {list(place)}: {got[place]} instead of {right[place]}"
            away = oracle.away[i]
            if np.ndim(away) and np.isfinite(away[place]):
                difference += f", where rounding explains {away[place]:.2g}"
            if poisoned(got)[place]:
                difference += " (nobody wrote it, or it comes of what nobody wrote)"
        raise InternalError(
            f"{self.function.name}: {what} of {stage}, {node!r}{origin}, {difference}."
        )


def ways_of(program: Any) -> Ways:
    """The algorithms of a program that change rounding; none for a program without a plan."""
    labels = program.plan.algorithms if hasattr(program, "plan") else set()
    return Ways(
        tiles=any("winograd" in label for label in labels),
        scores=any("attention" in label for label in labels),
        shares=any("attention backward" in label for label in labels),
    )


def _snapshot(argument: Any, parameter: Any) -> Any:
    if parameter.dtype != dtypes.resource:
        return np.array(argument)
    return None if argument.value is None else np.array(argument.value)
