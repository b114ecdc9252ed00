"""The steps of a pipeline as the optimizations that its options ask for leave them, and assertions about them.

The optimizations only change how TensorFlow computes elements; ours are computed the same way with and without them.
"""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf import text_format

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ops.data import basic, batch, functional, prefetch
from penstock._src.ops.data.pipeline import (
    AUTOTUNE,
    Element,
    Pipeline,
    Run,
    UnnamedDatasetOp,
    stateful_operation,
)
from penstock._src.ops.variants import variant
from penstock._src.proto.dataset import Options
from penstock._src.proto.graph import GraphDef, NameAttrList
from penstock._src.util.slots import above

_Step = tuple[str, Pipeline]


def _path(step: Pipeline, root: Pipeline) -> list[Pipeline] | None:
    """The steps from one of a pipeline to its end."""
    if root is step:
        return []
    for source in root.inputs:
        before = _path(step, source)
        if before is not None:
            is_seen = not root.passes_on or isinstance(root, basic.NonSerializable)
            return [*before, root] if is_seen else before
    return None


def _name(step: Pipeline) -> str:
    """The name of a step among iterators."""
    if isinstance(step, (functional._Map, batch._Batch)) and step.is_parallel:
        return "Parallel" + step.kind.removesuffix("Dataset")
    if isinstance(step, prefetch._Cache):
        return "MemoryCacheImpl"
    if isinstance(step, (basic._Skip, basic._Take)):
        return "Finite" + step.kind.removesuffix("Dataset")
    if isinstance(step, basic._Repeat):
        return "ForeverRepeat[0]" if step.count < 0 else "FiniteRepeat[0]"
    return step.kind.removesuffix("Dataset")


def _is_noop(step: Pipeline) -> bool:
    """True if a step never changes elements."""
    if isinstance(step, functional._Map):
        function = step.function
        arguments, results = function.inputs, function.outputs
        if step.captured or function.is_stateful or function.graph.control_outputs:
            return False
        return len(arguments) == len(results) and all(a is b for a, b in zip(arguments, results))
    neutral = (basic._Skip, "count", 0), (basic._Take, "count", -1), (basic._Repeat, "count", 1)
    if isinstance(step, basic._Shard):
        return step.shards == 1
    return any(
        isinstance(step, kind) and getattr(step, name) == value for kind, name, value in neutral
    )


def _fuses(first: _Step, second: _Step, wanted: str) -> bool:
    """True if two adjacent steps of one kind become one."""
    (name, one), (other, two) = first, second
    if not name == other == wanted or _captures(one) or _captures(two):
        return False
    widths = {getattr(step, "width", 1) for step in (one, two)}
    if wanted == "ParallelMap" and not widths <= {AUTOTUNE, 1}:
        return False
    return getattr(one, "deterministic", "") == getattr(two, "deterministic", "") or 1 in widths


def _captures(step: Any) -> bool:
    """True if the function of a step captures tensors; small ones are constants in it."""
    return bool(step.captured or step.function.graph.constants_of_captures)


def _fused(steps: list[_Step], wanted: str) -> list[_Step]:
    fused: list[_Step] = []
    for step in steps:
        if not (fused and _fuses(fused[-1], step, wanted)):
            fused.append(step)
    return fused


def _is_plain(step: Any, kind: type) -> bool:
    """True if a step is of a kind and does not ask for threads."""
    return type(step) is kind and not getattr(step, "is_parallel", False)


def _paired(steps: list[_Step], first: tuple[str, ...], second: type, name: str) -> list[_Step]:
    """Steps with each pair of adjacent ones as one."""
    paired: list[_Step] = []
    for step in steps:
        if paired and paired[-1][0] in first and _is_plain(step[1], second):
            paired[-1] = (name, step[1])
        else:
            paired.append(step)
    return paired


# The optimizations that are made unless options say otherwise.
_USUAL = (
    "map_and_batch_fusion",
    "map_parallelization",
    "noop_elimination",
    "shuffle_and_repeat_fusion",
)


def _wants(asked: Any, name: str) -> bool:
    """True if an optimization is enabled."""
    if asked.HasField(name):
        return bool(getattr(asked, name))
    has_usual = asked.HasField("apply_default_optimizations")
    return name in _USUAL and (asked.apply_default_optimizations or not has_usual)


def planned(steps: list[Pipeline], options: Any) -> list[str]:
    """The names of steps after the optimizations that options ask for."""
    asked = options.optimization_options
    # Nothing is changed before a step that is in no graph.
    fixed = [at for at, step in enumerate(steps) if isinstance(step, basic.NonSerializable)]
    if fixed:
        before = [_name(step) for at, step in enumerate(steps[: fixed[-1]]) if at not in fixed]
        return before + planned(steps[fixed[-1] + 1 :], options)
    plan = [(_name(step), step) for step in steps]
    tuned = options.autotune_options
    may_tune = tuned.enabled or not tuned.HasField("enabled")

    def in_parallel(name: str) -> Callable[[_Step], _Step]:
        def change(step: _Step) -> _Step:
            own_name, one = step
            is_fixed = own_name != name or getattr(one, "synchronous", False)
            if is_fixed or stateful_operation(one.function) is not None:
                return step
            return f"Parallel{name}", one

        return change

    wants = functools.partial(_wants, asked)
    if wants("noop_elimination"):
        plan = [step for step in plan if not _is_noop(step[1])]
    if asked.filter_fusion:
        plan = _fused(plan, "Filter")
    if wants("map_parallelization") and may_tune:
        plan = list(map(in_parallel("Map"), plan))
    if asked.filter_parallelization and may_tune:
        plan = list(map(in_parallel("Filter"), plan))
    if asked.map_fusion:
        plan = _fused(_fused(plan, "Map"), "ParallelMap")
    if wants("map_and_batch_fusion"):
        plan = _paired(plan, ("Map", "ParallelMap"), batch._Batch, "MapAndBatch")
    if wants("shuffle_and_repeat_fusion"):
        plan = _paired(plan, ("Shuffle",), basic._Repeat, "ShuffleAndRepeat")
    return [name for name, _ in plan] + ["Root"]


class _AssertNext(basic.PassOn):
    is_fixed = True  # it asserts the steps after TensorFlow's own rewrites

    def __init__(self, source: Pipeline, names: list[str]) -> None:
        super().__init__(source)
        self.names = names

    def rows(self) -> None:
        return None  # they would be read without this step

    def iterate(self, run: Run) -> Iterator[Element]:
        steps = None if run.root is None else _path(self, run.root)
        if steps is not None:  # within a function of another dataset, the next steps are unknown
            self.check(planned(steps, Options.FromString(run.options.get("serialized", b""))))
        return super().iterate(run)

    def check(self, plan: list[str]) -> None:
        for at, name in enumerate(self.names):
            if at >= len(plan):
                raise InvalidArgumentError(
                    f"Asserted next {len(self.names)} transformations but encountered only {len(plan)}."
                )
            if plan[at] != name:
                raise InvalidArgumentError(
                    f"Asserted transformation matching {name} at offset {at} but encountered "
                    f"{plan[at]} transformation instead."
                )


class AssertNextDataset(UnnamedDatasetOp):
    """The same elements; asserts which transformations come next."""

    signature = "input_dataset: variant, transformations: string -> handle: variant"

    def pipeline(self, input_dataset, transformations):
        return _AssertNext(input_dataset, [name.decode() for name in transformations.ravel()])


variant("ExperimentalAssertNextDataset", AssertNextDataset)


class _AssertPrev(basic.PassOn):
    """The same elements; asserts which ops, with which attributes, made the datasets before.

    Args:
      source: the dataset.
      wanted: an op and attributes for each dataset, the last one first.
    """

    is_fixed = True

    def __init__(self, source: Pipeline, wanted: list[Any]) -> None:
        super().__init__(source)
        self.wanted = wanted

    def rows(self) -> None:
        return None  # they would be read without this step

    def iterate(self, run: Run) -> Iterator[Element]:
        step: Pipeline = self.inputs[0]
        for at, wanted in enumerate(self.wanted):
            if at and not step.inputs:
                raise InvalidArgumentError(
                    f"Asserted previous {len(self.wanted)} transformations but encountered only {at}."
                )
            step = step.inputs[0] if at else step
            problem = _differs(step, wanted)
            if problem:
                raise InvalidArgumentError(
                    f"Failure checking transformations at offset {at}: {problem}"
                )
        return super().iterate(run)


def _differs(step: Pipeline, wanted: Any) -> str:
    """In which way a dataset is not made by an op with these attributes; empty if it is."""
    name = step.made_by[0].op_type if step.made_by is not None else step.kind
    if _unversioned(name) != _unversioned(wanted.name):
        return f"Asserted transformation matching '{wanted.name}', but found '{name}'."
    if not wanted.attr:
        return ""
    graph_def = GraphDef.FromString(above("dataset_graph")(step))
    node = next(node for node in graph_def.node if node.name == graph_def.node[-1].input[0])
    for attribute, value in wanted.attr.items():
        asserted = f"Asserted attribute '{attribute}' having a value of '{value}', but found"
        if attribute not in node.attr:
            return f"{asserted} no such attribute defined."
        if node.attr[attribute] != value:
            return f"{asserted} value of '{node.attr[attribute]}'."
    return ""


def _unversioned(op: str) -> str:
    return re.sub(r"V\d+$", "", op)


class AssertPrevDataset(UnnamedDatasetOp):
    """The same elements; asserts which transformations came before."""

    signature = "input_dataset: variant, transformations: string -> handle: variant"

    def pipeline(self, input_dataset, transformations):
        texts = [text.decode() for text in transformations.ravel()]
        wanted = [text_format.Parse(text, NameAttrList()) for text in texts]
        return _AssertPrev(input_dataset, wanted)
