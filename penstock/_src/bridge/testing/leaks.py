"""Tests that fail if they leave objects in memory."""

from __future__ import annotations

import collections
import contextlib
import functools
import gc
from collections.abc import Callable
from typing import Any

from penstock._src.bridge.python.util.tf_decorator import make_decorator
from penstock._src.core import dispatch
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable
from penstock._src.graph.graph import Graph
from penstock._src.v1.graphs.default_graph import get_default_graph


def _counts_by_type(leave_out: Any = ()) -> collections.Counter[str]:
    counts = collections.Counter(type(instance).__name__ for instance in gc.get_objects())
    return counts - collections.Counter(type(instance).__name__ for instance in leave_out)


def assert_no_new_pyobjects_executing_eagerly(warmup_iters: int = 2) -> Callable[..., Any]:
    """Returns a decorator that runs a test eagerly, some times to fill caches, then three times that may add no object."""

    def decorate(func: Any) -> Any:
        def run(self: Any, *args: Any, **kwargs: Any) -> None:
            outcome = getattr(self._outcome, "result", self._outcome)
            with dispatch.building(None):
                gc.disable()
                try:
                    for _ in range(warmup_iters):
                        func(self, *args, **kwargs)
                    self.doCleanups()
                    before = _counts_by_type()  # a count is an object as well
                    gc.collect()
                    own = gc.get_referents(outcome.errors, outcome.skipped)
                    before = _counts_by_type(own)
                    sizes = _collection_sizes()
                    for _ in range(3):
                        func(self, *args, **kwargs)
                    self.doCleanups()
                    _refuse_larger(sizes)
                    del sizes
                    gc.collect()
                    own = gc.get_referents(outcome.errors, outcome.skipped)
                    new = _counts_by_type(own) - before
                    assert not new, f"The following objects were newly created: {new}"
                finally:
                    gc.enable()

        return make_decorator(func, run)

    return decorate


def _collection_sizes() -> dict[Any, int]:
    collections_of_graph = get_default_graph()._collections
    return {key: len(items) for key, items in collections_of_graph.items()}


def _refuse_larger(before: dict[Any, int]) -> None:
    for key, size in _collection_sizes().items():
        if size > before.get(key, 0):
            raise AssertionError(
                f"Collection {key} increased in size from {before.get(key, 0)} to {size}."
            )


def assert_no_new_tensors(func: Any) -> Any:
    """Makes a test fail if tensors or variables that it made still exist after it."""

    def run(self: Any, **kwargs: Any) -> Any:
        before = {id(instance) for instance in gc.get_objects() if _is_tensor(instance)}
        mode = dispatch.building(None) if STATE.graph is None else contextlib.nullcontext()
        with Graph().as_default(), mode:
            result = func(self, **kwargs)
        gc.collect()
        left = [
            instance
            for instance in gc.get_objects()
            if _is_tensor(instance) and id(instance) not in before
        ]
        if left:
            raise AssertionError(f"{len(left)} Tensors not deallocated after test: {left}")
        return result

    return make_decorator(func, run)


def _is_tensor(instance: Any) -> bool:
    return issubclass(type(instance), (Tensor, Variable))


def assert_no_garbage_created(func: Any) -> Any:
    """Makes a test fail if it leaves objects that the garbage collector finds and cannot free."""

    @functools.wraps(func)
    def run(self: Any, **kwargs: Any) -> Any:
        gc.disable()
        flags = gc.get_debug()
        gc.set_debug(gc.DEBUG_UNCOLLECTABLE)
        try:
            gc.collect()
            before = len(gc.garbage)
            result = func(self, **kwargs)
            gc.collect()
            self.assertEqual(before, len(gc.garbage))
        finally:
            gc.set_debug(flags)
            gc.enable()
        return result

    return run
