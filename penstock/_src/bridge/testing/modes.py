"""Tests in graphs, eagerly, in functions, and in only one of TensorFlow's versions."""

from __future__ import annotations

import contextlib
import functools
import inspect
import unittest
from collections.abc import Callable, Iterator
from typing import Any

from absl.testing import parameterized

from penstock._src.api.gradients import gradients
from penstock._src.api.internal import tf2_enabled
from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.bridge.python.util.tf_decorator import make_decorator
from penstock._src.bridge.testing.leaks import assert_no_garbage_created, assert_no_new_tensors
from penstock._src.core import dispatch
from penstock._src.core.dispatch import STATE
from penstock._src.function.function import function, functions_run_eagerly, run_functions_eagerly
from penstock._src.graph.graph import Graph
from penstock._src.v1.graphs.default_graph import (
    disable_v2_behavior,
    enable_v2_behavior,
    graph_mode,
    reset_default_graph,
)

_PREFIX = unittest.TestLoader.testMethodPrefix
# Methods that begin like tests and are none.
_NO_TESTS = frozenset(("test_session", "test_scope"))


def _test_methods(cls: type) -> Iterator[tuple[str, Any]]:
    """Yields the test methods of a class and of its bases."""
    for name in dir(cls):
        method = getattr(cls, name, None)
        if name.startswith(_PREFIX) and name not in _NO_TESTS and callable(method):
            yield name, method


def _decorate_tests(cls: type, decorate: Callable[[Any], Any]) -> type:
    for name, method in _test_methods(cls):
        if not name.startswith(("testSkipEager", "test_skip_eager")):
            setattr(cls, name, decorate(method))
    return cls


def eager_mode() -> contextlib.AbstractContextManager[Any]:
    """A context in which ops run at once."""
    return dispatch.building(None)


def run_in_graph_and_eager_modes(
    func: Any = None,
    config: Any = None,
    use_gpu: bool = True,
    assert_no_eager_garbage: bool = False,
) -> Any:
    """Makes a test run twice: in a session on the default graph, then eagerly; each with `setUp` and `tearDown`.

    Args:
      func: the test; without it, a decorator is returned.
      config: of the session.
      use_gpu: False places ops on the CPU.
      assert_no_eager_garbage: whether the test fails if it leaves garbage or tensors behind when run eagerly.
    """
    if func is None:
        return functools.partial(
            run_in_graph_and_eager_modes,
            config=config,
            use_gpu=use_gpu,
            assert_no_eager_garbage=assert_no_eager_garbage,
        )
    if inspect.isclass(func):
        raise ValueError(
            "`run_in_graph_and_eager_modes` only supports test methods. Did you mean to use "
            "`run_all_in_graph_and_eager_modes`?"
        )

    def run_both(self: Any, *args: Any, **kwargs: Any) -> None:
        with contextlib.suppress(unittest.SkipTest), graph_mode(), self.subTest("graph_mode"):
            with self.test_session(use_gpu=use_gpu, config=config):
                func(self, *args, **kwargs)

        def run_eagerly(self: Any, **kwargs: Any) -> None:
            with contextlib.nullcontext() if use_gpu else dispatch.device("/device:CPU:0"):
                func(self, *args, **kwargs)

        if assert_no_eager_garbage:
            reset_default_graph()
            run_eagerly = assert_no_new_tensors(assert_no_garbage_created(run_eagerly))
        self.tearDown()
        self._tempdir = None
        with Graph().as_default(), eager_mode(), self.subTest("eager_mode"):
            self.setUp()
            run_eagerly(self, **kwargs)

    return make_decorator(func, run_both)


def run_all_in_graph_and_eager_modes(cls: type) -> type:
    """Makes all tests of a class run in a graph and eagerly, but those named `testSkipEager...`."""
    return _decorate_tests(cls, run_in_graph_and_eager_modes)


def run_in_v1_v2(device_to_use: str | None = None, assert_no_eager_garbage: bool = False) -> Any:
    """Returns a decorator that runs a test with the behavior of TensorFlow 1, then with that of 2."""

    def decorate(func: Any) -> Any:
        if hasattr(func, "wrapped_with_v1_v2_decorator"):
            return func

        def run_both(self: Any, *args: Any, **kwargs: Any) -> None:
            with contextlib.suppress(unittest.SkipTest), self.subTest("V1_mode"):
                disable_v2_behavior()
                func(self, *args, **kwargs)

            def run_v2(self: Any, **kwargs: Any) -> None:
                with dispatch.device(device_to_use) if device_to_use else contextlib.nullcontext():
                    func(self, *args, **kwargs)

            if assert_no_eager_garbage:
                reset_default_graph()
                run_v2 = assert_no_new_tensors(assert_no_garbage_created(run_v2))
            self.tearDown()
            self._tempdir = None
            reset_default_graph()
            enable_v2_behavior()
            with self.subTest("V2_mode"):
                self.setUp()
                run_v2(self, **kwargs)

        decorated: Any = make_decorator(func, run_both)
        decorated.wrapped_with_v1_v2_decorator = True
        return decorated

    return decorate


def run_class_in_v1_v2(cls: type) -> type:
    """Makes all tests of a class run with the behavior of TensorFlow 1 and of 2."""
    return _decorate_tests(cls, run_in_v1_v2())


def deprecated_graph_mode_only(func: Any) -> Any:
    """Makes a test run in the default graph; of a class, its `setUp` and all tests that it defines itself."""
    if inspect.isclass(func):
        for name, method in list(vars(func).items()):
            if name == "setUp" or (name.startswith(_PREFIX) and callable(method)):
                setattr(func, name, deprecated_graph_mode_only(method))
        return func

    def run(*args: Any, **kwargs: Any) -> Any:
        with graph_mode() if STATE.graph is None else contextlib.nullcontext():
            return func(*args, **kwargs)

    return make_decorator(func, run)


run_deprecated_v1 = deprecated_graph_mode_only


def run_all_in_deprecated_graph_mode_only(cls: type) -> type:
    """Makes all tests of a class run in the default graph."""
    for name, method in _test_methods(cls):
        setattr(cls, name, deprecated_graph_mode_only(method))
    return cls


def _run_only(func: Any, v2: bool, reason: str | None) -> Any:
    if func is None:
        return lambda decorated: _run_only(decorated, v2, reason)
    if inspect.isclass(func):  # skips all its tests
        skipping: Any = func
        skipping.setUp = _run_only(skipping.setUp, v2, reason)
        return func

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        if tf2_enabled() != v2:
            self.skipTest(reason or f"Test is only compatible with {'v2 ' if v2 else 'v1'}")
        return func(self, *args, **kwargs)

    return make_decorator(func, run)


def run_v1_only(reason: str | None = None, func: Any = None) -> Any:
    """Skips a test, or all of a class, with the behavior of TensorFlow 2."""
    return _run_only(func, v2=False, reason=reason)


def run_v2_only(func: Any = None, reason: str | None = None) -> Any:
    """Skips a test, or all of a class, with the behavior of TensorFlow 1."""
    return _run_only(func, v2=True, reason=reason)


def also_run_as_tf_function(func: Callable[..., Any]) -> Callable[..., None]:
    """Makes a test run eagerly, and then in a tf.function, with which its assertions run."""

    def run_both(*args: Any, **kwargs: Any) -> None:
        def bound() -> None:
            func(*args, **kwargs)

        with eager_mode():
            bound()
            function(bound, autograph=False)()

    return run_both


def build_as_function_and_v1_graph(func: Any) -> Any:
    """Makes two tests of one that builds a graph and looks at it: in a graph, and in a tf.function."""
    if inspect.isclass(func):
        raise ValueError("`run_in_graph_mode_and_function` only supports test methods.")

    @parameterized.named_parameters(("_v1_graph", "v1_graph"), ("_function", "function"))
    @functools.wraps(func)
    def run(self: Any, run_mode: str, *args: Any, **kwargs: Any) -> None:
        if run_mode not in ("v1_graph", "function"):
            raise ValueError(f"Unknown run mode {run_mode}")
        with Graph().as_default():
            if run_mode == "v1_graph":
                func(self, *args, **kwargs)
                return
            with eager_mode():
                function(lambda: func(self, *args, **kwargs) and None)()

    return run


def run_in_async_and_sync_mode(func: Any) -> Any:
    """Makes two tests of one, which here run alike: eager ops have finished when they return."""

    @parameterized.named_parameters([("Async", True), ("", False)])
    @functools.wraps(func)
    def run(self: Any, async_mode: bool, *args: Any, **kwargs: Any) -> None:
        del async_mode
        func(self, *args, **kwargs)

    return run


@contextlib.contextmanager
def run_functions_eagerly_within(run_eagerly: bool) -> Iterator[None]:
    """A context in which functions run as plain Python, or not."""
    if not isinstance(run_eagerly, bool):
        raise ValueError(f"Expected bool for `run_eagerly` but got {run_eagerly}")
    before = functions_run_eagerly()
    run_functions_eagerly(run_eagerly)
    try:
        yield
    finally:
        run_functions_eagerly(before)


class _GraphTape:
    """The interface of a tape, answered by `tf.gradients`."""

    def watch(self, x: Any) -> None:
        """Does nothing: all of a graph can be differentiated."""

    def gradient(self, y: Any, x: Any, grad_ys: Any = None) -> Any:
        """Returns the gradients with respect to `x`, one or a list."""
        gradient = gradients(y, x, grad_ys)
        return gradient if isinstance(x, (list, tuple)) else gradient[0]


class AbstractGradientTape:
    """A context with the interface of a tape: one, or `tf.gradients`."""

    def __init__(self, use_tape: bool, persistent: bool = False) -> None:
        self._use_tape, self._persistent = use_tape, persistent

    def __enter__(self) -> Any:
        context: Any = contextlib.nullcontext(_GraphTape())
        self._tape = GradientTape(persistent=self._persistent) if self._use_tape else context
        return self._tape.__enter__()

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        self._tape.__exit__(exc_type, exc_val, exc_tb)
