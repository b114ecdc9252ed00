"""Tests under other settings: devices, determinism, compilers, precision, and versions to be compatible with."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import socket
import unittest
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.api.compat import forward_compatibility_horizon
from penstock._src.api.config.determinism import disable_op_determinism, enable_op_determinism
from penstock._src.api.config.settings import (
    enable_tensor_float_32_execution,
    tensor_float_32_execution_enabled,
)
from penstock._src.api.linalg.products import matmul
from penstock._src.api.math.elementwise import cast
from penstock._src.api.test.build import is_gpu_available
from penstock._src.bridge.python.util.tf_decorator import make_decorator
from penstock._src.core import dispatch
from penstock._src.util import nest
from penstock._src.v1.graphs import default_graph


@contextlib.contextmanager
def device(use_gpu: bool) -> Iterator[None]:
    """Places ops on the first GPU if it is wanted and there is one, else on the CPU."""
    kind = "GPU" if use_gpu and is_gpu_available() else "CPU"
    with dispatch.device(f"/device:{kind}:0"):
        yield


def use_gpu() -> contextlib.AbstractContextManager[None]:
    """Places ops on the first GPU, or without one on the CPU."""
    return device(use_gpu=True)


def force_gpu() -> contextlib.AbstractContextManager[None]:
    """Places ops on the first GPU."""
    return dispatch.device("/device:GPU:0")


def force_cpu() -> contextlib.AbstractContextManager[None]:
    """Places ops on the CPU."""
    return dispatch.device("/device:CPU:0")


@contextlib.contextmanager
def deterministic_ops() -> Iterator[None]:
    """A context in which random ops need seeds."""
    enable_op_determinism()
    try:
        yield
    finally:
        disable_op_determinism()


def pick_unused_port() -> int:
    """Returns a port of this machine on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


# what tests are skipped for


def _skip_unless(holds: Callable[[], bool], reason: str) -> Callable[..., Any]:
    def decorate(func: Any) -> Any:
        if inspect.isclass(func):
            raise ValueError("`run_gpu_only` and its like only support test methods.")

        @functools.wraps(func)
        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not holds():
                self.skipTest(reason)
            return func(self, *args, **kwargs)

        return run

    return decorate


run_gpu_only = _skip_unless(is_gpu_available, "Test requires GPU")
run_cuda_only = _skip_unless(is_gpu_available, "Test requires CUDA GPU")
run_gpu_or_tpu = _skip_unless(is_gpu_available, "Test requires GPU or TPU")


def skip_if(condition: Any) -> Callable[..., Any]:
    """Returns a decorator of functions that are skipped if the condition (or its result) is true."""

    def decorate(func: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            holds = condition() if callable(condition) else condition
            return None if holds else func(*args, **kwargs)

        return run

    return decorate


@contextlib.contextmanager
def skip_if_error(
    test_obj: unittest.TestCase, error_type: Any, messages: Any = None
) -> Iterator[None]:
    """Skips a test that raises an error of this type, with one of these texts in its message."""
    texts = nest.flatten(messages) if messages else []
    try:
        yield
    except error_type as error:
        if texts and not any(text in str(error) for text in texts):
            raise
        test_obj.skipTest(f"Skipping error: {type(error)}: {error}")


# what tests are changed by


def for_all_test_methods(decorator: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Returns a decorator of classes that decorates every test by `decorator(*args, **kwargs)`."""

    def decorate(cls: type) -> type:
        for name in dir(cls):
            method = getattr(cls, name)
            if callable(method) and name.startswith("test") and name != "test_session":
                setattr(cls, name, decorator(*args, **kwargs)(method))
        return cls

    return decorate


def run_without_tensor_float_32(description: str) -> Callable[..., Any]:
    """Returns a decorator of tests that need all digits of float32 products."""
    del description

    def decorate(func: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> None:
            before = tensor_float_32_execution_enabled()
            enable_tensor_float_32_execution(False)
            try:
                func(*args, **kwargs)
            finally:
                enable_tensor_float_32_execution(before)

        return make_decorator(func, run)

    return decorate


def run_all_without_tensor_float_32(description: str) -> Any:
    """Returns a decorator of classes whose tests need all digits of float32 products."""
    return for_all_test_methods(run_without_tensor_float_32, description)


def matmul_without_tf32(a: Any, b: Any, *args: Any, **kwargs: Any) -> Any:
    """Returns the product, computed in float64 if float32 products may lose digits."""
    wide = {"float32": "float64", "complex64": "complex128"}.get(a.dtype.name)
    if wide is None or not tensor_float_32_execution_enabled():
        return matmul(a, b, *args, **kwargs)
    return cast(matmul(cast(a, wide), cast(b, wide), *args, **kwargs), a.dtype)


def with_forward_compatibility_horizons(*horizons: tuple[int, int, int] | None) -> Any:
    """Returns a decorator that runs a test for each of these dates, or None for none."""
    if not horizons:
        raise ValueError("Expected at least one horizon.")
    for horizon in horizons:
        is_date = horizon is not None and len(horizon) == 3
        if horizon is not None and not (is_date and all(isinstance(n, int) for n in horizon)):
            raise ValueError(f"Bad horizon value: {horizon!r}")

    def decorate(func: Any) -> Any:
        if inspect.isclass(func):
            raise ValueError("`with_forward_compatibility_horizons` only supports test methods.")

        def run(*args: Any, **kwargs: Any) -> None:
            for date in horizons:
                with forward_compatibility_horizon(*date) if date else contextlib.nullcontext():
                    func(*args, **kwargs)

        return make_decorator(func, run)

    return decorate


def set_xla_env_flag(flag: str = "") -> Callable[..., Any]:
    """Returns a decorator that runs a test with another flag in the environment variable XLA_FLAGS."""

    def decorate(func: Any) -> Any:
        @functools.wraps(func)
        def run(*args: Any, **kwargs: Any) -> Any:
            before = os.environ.get("XLA_FLAGS")
            os.environ["XLA_FLAGS"] = f"{flag} {before}" if before else flag
            try:
                return func(*args, **kwargs)
            finally:
                os.environ.pop("XLA_FLAGS")
                if before is not None:
                    os.environ["XLA_FLAGS"] = before

        return run

    return decorate


def as_it_is(decorated: Any) -> Any:
    """Returns a function or class unchanged: the feature that the decorator switches does not exist, or is always on."""
    return decorated


def as_it_is_because(description: Any = None) -> Callable[[Any], Any]:
    """Returns a decorator that changes nothing, as the description would have it only under another compiler."""
    if description is not None and not isinstance(description, str):
        raise ValueError(f"'description' should be string, got {type(description)}")
    return as_it_is


def disable_tfrt(unused_description: Any) -> Callable[[Any], Any]:
    """Returns a decorator that changes nothing; as TensorFlow's, it takes anything for the description."""
    del unused_description
    return as_it_is


def disable_eager_op_as_function(unused_msg: str) -> Callable[..., Any]:
    """Returns a decorator of tests that are not run at all."""
    del unused_msg
    return lambda func: make_decorator(func, lambda *args, **kwargs: None)


def add_graph_building_optimization_tests(cls: type) -> type:
    """Adds each test and benchmark of a class once more, named `...WithGraphBuildingOptimization`."""
    for name, method in list(vars(cls).items()):
        if callable(method) and name.startswith(("test", "benchmark")):
            setattr(cls, f"{name}WithGraphBuildingOptimization", method)
    return cls


def enable_output_all_intermediates(decorated: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a test that runs with all intermediates enabled."""

    def run(*args: Any, **kwargs: Any) -> Any:
        before = default_graph.are_all_intermediates_asked_for()
        default_graph.output_all_intermediates(True)
        try:
            return decorated(*args, **kwargs)
        finally:
            default_graph.output_all_intermediates(before)

    return make_decorator(decorated, run)


def disable_control_flow_v2(unused_msg: str) -> Callable[[Any], Any]:
    """Returns a decorator that marks a test as one of TensorFlow 1's control flow."""
    del unused_msg

    def decorate(func: Any) -> Any:
        func._disable_control_flow_v2 = True
        return func

    return decorate
