"""Rules: each maps a step of a pipeline to another with the same elements, or to None where it does not apply.

A rule is named after the option of `tf.data.Options().experimental_optimization` that switches it on or off.
"""

import copy
from collections.abc import Callable
from typing import Any

from penstock._src.ops.data import basic, batch, functional, prefetch
from penstock._src.ops.data.pipeline import (
    AUTOTUNE,
    Pipeline,
    external_state,
    stateful_operation,
)
from penstock._src.util.slots import above

Rule = Callable[[Pipeline], Pipeline | None]


def _leaves_out(step: Pipeline, kind: type, name: str, value: Any) -> bool:
    return type(step) is kind and getattr(step, name) == value


def is_noop(step: Pipeline) -> bool:
    """True if a step returns its input's elements, whatever they are."""
    if type(step) is functional._Map:
        arguments, results = step.function.inputs, step.function.outputs
        if step.captured or step.function.is_stateful or step.function.graph.control_outputs:
            return False
        return len(arguments) == len(results) and all(
            one is other for one, other in zip(arguments, results)
        )
    return (
        _leaves_out(step, basic._Skip, "count", 0)
        or _leaves_out(step, basic._Take, "count", -1)
        or _leaves_out(step, basic._Repeat, "count", 1)
        or _leaves_out(step, prefetch._Prefetch, "size", 0)
        or _leaves_out(step, basic._Shard, "shards", 1)
    )


def noop_elimination(step: Pipeline) -> Pipeline | None:
    """Before: `x.skip(0)`, `x.take(-1)`, `x.repeat(1)`, `x.shard(1, 0)`, `x.prefetch(0)`, `x.map(lambda e: e)`. After: `x`."""
    return step.inputs[0] if is_noop(step) else None


def map_parallelization(step: Pipeline) -> Pipeline | None:
    """Before: `x.map(f)` with an f without state. After: `x.map(f, num_parallel_calls=AUTOTUNE)`."""
    if type(step) is not functional._Map or step.is_parallel or step.synchronous:
        return None
    return _in_parallel(step)


def filter_parallelization(step: Pipeline) -> Pipeline | None:
    """Before: `x.filter(f)` with an f without state. After: calls of `f` in several threads, elements in order."""
    if type(step) is not functional._Filter or step.is_parallel:
        return None
    return _in_parallel(step)


def _in_parallel(step: Any) -> Pipeline | None:
    if stateful_operation(step.function) is not None or step.function.why_host:
        return None
    parallel = copy.copy(step)
    parallel.width = AUTOTUNE
    return parallel


def map_fusion(step: Pipeline) -> Pipeline | None:
    """Before: `x.map(f).map(g)`. After: `x.map(lambda e: g(f(e)))`, compiled as one."""
    if type(step) is not functional._Map or type(step.inputs[0]) is not functional._Map:
        return None
    first: Any = step.inputs[0]
    alike = first.width == step.width and first.deterministic == step.deterministic
    if not alike or any(stateful_operation(one.function) for one in (first, step)):
        return None
    fused = copy.copy(step)
    fused.inputs = first.inputs
    fused.function = above("composed_function")(first.function, step.function, len(step.captured))
    fused.captured = [*first.captured, *step.captured]
    return fused


def inject_prefetch(step: Pipeline) -> Pipeline | None:
    """Before: a pipeline that ends with `map` or `batch`. After: the same followed by `prefetch(AUTOTUNE)`.

    A thread computes ahead only if elements are slow, and if that is not observable.
    """
    ends = (functional._Map, batch._Batch, batch._PaddedBatch, functional._MapAndBatch)
    if type(step) not in ends or external_state(step) is not None:
        return None
    last = copy.copy(step)  # the plan of a dataset must not hold the dataset, which holds the plan
    last.plan = (None,)
    prefetching = prefetch._Prefetch(last, AUTOTUNE)
    prefetching.types, prefetching.shapes = step.types, step.shapes
    return prefetching


# By option: its rewrite of each step, and True if it is on by default.
STEPWISE: dict[str, tuple[Rule, bool]] = {
    "noop_elimination": (noop_elimination, True),
    "map_parallelization": (map_parallelization, True),
    "filter_parallelization": (filter_parallelization, False),
    "map_fusion": (map_fusion, False),
}
# The same of the last step alone.
AT_THE_END: dict[str, tuple[Rule, bool]] = {"inject_prefetch": (inject_prefetch, True)}
