"""Prints what ptxas says of the kernels of some functions, or of all drawn calls: registers, bytes spilled, memory. `make cuda-kernels`

Needs ptxas: pip install nvidia-cuda-nvcc. No GPU is needed.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

import penstock as tf
from penstock._src.compiler.plan.launch_table import Launch
from penstock._src.compiler.plan.plan import Plan
from penstock._src.devices import table
from penstock._src.devices.gpu.cuda.ptx import assembled, find_ptxas, ptx_of
from penstock._src.devices.gpu.device import CudaDevice, generator_for
from penstock._src.devices.gpu.emulator.device import ir_image
from penstock._src.devices.gpu.emulator.library import EmulatedLibrary
from penstock._src.devices.gpu.kernels.language import CudaCode
from penstock._src.devices.gpu.target import ARCHITECTURES
from penstock._src.devices.null.device import NullProgram
from penstock._src.util.flags import override
from tests.conformance.test_recorded import CALLS, results

# which has as much shared memory as the largest
DEVICE = CudaDevice("planning", lambda: EmulatedLibrary(capability="9.0"), ir_image)


def normal(*shape: int) -> Any:
    return tf.constant(np.random.default_rng(0).standard_normal(shape).astype(np.float32))


def mlp() -> tuple[Callable[..., Any], list[Any]]:
    """A training step of a network of two dense layers."""
    variables = [tf.Variable(normal(*s) * 0.1) for s in [(784, 128), (128,), (128, 10), (10,)]]

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(x @ variables[0] + variables[1])
            logits = hidden @ variables[2] + variables[3]
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
        for v, g in zip(variables, tape.gradient(loss, variables), strict=True):
            v.assign_sub(0.1 * g)
        return loss

    return step, [normal(64, 784), tf.constant(np.arange(64) % 10)]


def halves(a: Any, b: Any) -> Any:
    return tf.cast(a, tf.bfloat16) @ tf.cast(b, tf.bfloat16)


def depthwise(x: Any, w: Any) -> Any:
    """A depthwise convolution and its gradients."""
    with tf.GradientTape() as tape:
        tape.watch([x, w])
        y = tf.nn.depthwise_conv2d(x, w, [1, 2, 2, 1], "SAME")
        loss = tf.reduce_sum(y**2)
    return y, tape.gradient(loss, [x, w])


def attention(
    depth: int, dtype: Any, is_masked: bool = False
) -> tuple[Callable[..., Any], list[Any]]:
    """Attention of a type and width, and its gradients."""
    scores = normal(64, 64)

    def step(*operands: Any) -> Any:
        q, k, v = (tf.cast(x, dtype) for x in operands)
        with tf.GradientTape() as tape:
            tape.watch([q, k, v])
            s = tf.cast(tf.matmul(q, k, transpose_b=True), tf.float32) * 0.25
            s = tf.where(scores > 0, s, -1e9) if is_masked else s
            y = tf.cast(tf.nn.softmax(s), dtype) @ v
            loss = tf.reduce_sum(tf.cast(y, tf.float32) ** 2)
        return tape.gradient(loss, [q, k, v])

    return step, [normal(2, 2, 64, depth)] * 3


def exact(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is planned with exact products of float32."""
    EXACT.add(function)
    return function


EXACT: set[Callable[..., Any]] = set()
CASES: dict[str, Callable[[], tuple[Callable[..., Any], list[Any]]]] = {
    "elementwise": lambda: (lambda x: tf.exp(x) * 2.0 + tf.tanh(x), [normal(256, 1024)]),
    "softmax": lambda: (tf.nn.softmax, [normal(64, 1024)]),
    "softmax of short rows": lambda: (tf.nn.softmax, [normal(64, 100)]),
    "sum of everything": lambda: (tf.reduce_sum, [normal(512, 1024)]),
    "sums of columns": lambda: (lambda x: tf.reduce_sum(x, 0), [normal(512, 1024)]),
    "first largest": lambda: (lambda x: tf.argmax(x, 1), [normal(64, 1024)]),
    "gather": lambda: (lambda x: tf.gather(x, [1, 2, 3]), [normal(64, 128)]),
    "product": lambda: (lambda a, b: tf.nn.relu(a @ b), [normal(128, 64), normal(64, 128)]),
    "large product": lambda: (lambda a, b: a @ b, [normal(1024, 16), normal(16, 1024)]),
    "product of bfloat16": lambda: (halves, [normal(128, 64), normal(64, 128)]),
    "large product of bfloat16": lambda: (halves, [normal(1024, 32), normal(32, 1024)]),
    "product of bfloat16 for warpgroups": lambda: (
        lambda a, b, c: tf.nn.relu(halves(a, b) + tf.cast(c, tf.bfloat16)),
        [normal(256, 128), normal(128, 256), normal(256)],
    ),
    "product of a row": lambda: (lambda a, b: a @ b, [normal(1, 256), normal(256, 512)]),
    "product of eight rows": lambda: (halves, [normal(8, 256), normal(256, 512)]),
    "product of eight rows, along": lambda: (
        lambda a, b: halves(a, tf.transpose(b)),
        [normal(8, 256), normal(512, 256)],
    ),
    "deep product of bfloat16": lambda: (halves, [normal(256, 2048), normal(2048, 256)]),
    "product of float16": lambda: (
        lambda a, b: tf.cast(a, tf.float16) @ tf.cast(b, tf.float16),
        [normal(128, 64), normal(64, 126)],
    ),
    "product of int8": lambda: (
        lambda a, b: (
            tf.cast(tf.cast(a, tf.int8), tf.int32) @ tf.cast(tf.cast(b, tf.int8), tf.int32)
        ),
        [normal(128, 64), normal(64, 128)],
    ),
    "product of exact float32": lambda: (
        exact(lambda a, b: tf.nn.relu(a @ b)),
        [normal(128, 64), normal(64, 128)],
    ),
    "large product of float32": lambda: (
        exact(lambda a, b: a @ b),
        [normal(1024, 16), normal(16, 1024)],
    ),
    "convolution of bfloat16": lambda: (
        lambda x, w: tf.nn.conv2d(tf.cast(x, tf.bfloat16), tf.cast(w, tf.bfloat16), 1, "SAME"),
        [normal(2, 16, 16, 16), normal(3, 3, 16, 16)],
    ),
    "deep product": lambda: (lambda a, b: tf.nn.relu(a @ b), [normal(64, 5000), normal(5000, 64)]),
    "deep product of few rows": lambda: (lambda a, b: a @ b, [normal(3, 5000), normal(5000, 640)]),
    "product of float64": lambda: (
        lambda a, b: tf.cast(a, tf.float64) @ tf.cast(b, tf.float64),
        [normal(128, 64), normal(64, 128)],
    ),
    "powers, angles, errors": lambda: (
        lambda x: tf.pow(x, 3.3) + tf.sin(x) * tf.math.erf(x) + tf.math.lgamma(x),
        [tf.cast(normal(64, 64), tf.float64)],
    ),
    "remainders": lambda: (lambda x: tf.math.floormod(x, 0.7), [normal(64, 64)]),
    "convolution": lambda: (
        lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"),
        [normal(2, 16, 16, 16), normal(3, 3, 16, 16)],
    ),
    "depthwise convolution": lambda: (depthwise, [normal(2, 16, 16, 16), normal(3, 3, 16, 1)]),
    "depthwise, odd": lambda: (depthwise, [normal(2, 15, 15, 7), normal(5, 5, 7, 1)]),
    "running sum": lambda: (lambda x: tf.cumsum(x, 1), [normal(64, 100)]),
    "running sum of short lines": lambda: (lambda x: tf.cumsum(x, 0), [normal(4, 9000)]),
    "running sum of a long line": lambda: (lambda x: tf.cumsum(x, 1), [normal(1, 100_000)]),
    "sort of short lines": lambda: (lambda x: tf.sort(x, 1), [normal(64, 50)]),
    "sort": lambda: (lambda x: tf.sort(x, 1), [normal(64, 100)]),
    "sort of a long line": lambda: (lambda x: tf.argsort(x, 1), [normal(1, 10_000)]),
    "Fourier transform": lambda: (tf.signal.rfft, [normal(64, 2048)]),
    "Fourier transform of long lines": lambda: (tf.signal.rfft, [normal(64, 8192)]),
    "Fourier transform of columns": lambda: (tf.signal.rfft2d, [normal(3, 210, 31)]),
    "Fourier transform of float64": lambda: (
        lambda x: tf.signal.fft(tf.cast(x, tf.complex128)),
        [normal(64, 1800)],
    ),
    "scatter": lambda: (
        lambda x, y: tf.tensor_scatter_nd_add(x, [[1], [3]], y),
        [normal(64, 100), normal(2, 100)],
    ),
    "scatter of many rows": lambda: (
        lambda x: tf.math.unsorted_segment_sum(x, tf.range(3000) % 7, 7),
        [normal(3000, 8)],
    ),
    "random numbers": lambda: (
        lambda x: x + tf.random.stateless_normal([64, 100], [1, 2]),
        [normal(64, 100)],
    ),
    "attention": lambda: (
        lambda q, k, v: tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * 0.25) @ v,
        [normal(2, 4, 64, 16), normal(2, 4, 64, 16), normal(2, 4, 64, 16)],
    ),
    "attention, 64 wide": lambda: attention(64, tf.float32),
    "attention, 256 wide": lambda: attention(256, tf.float32),
    "attention, masked": lambda: attention(64, tf.float32, True),
    "attention of bfloat16, 64 wide": lambda: attention(64, tf.bfloat16, True),
    "attention of bfloat16, 128": lambda: attention(128, tf.bfloat16),
    "attention of float16, 80 wide": lambda: attention(80, tf.float16),
    "training step of an MLP": mlp,
}


class Planning:
    """A device that plans for an architecture, and computes nothing."""

    name, computes, threads, overlaps_streams, load_open = (
        "planning",
        False,
        DEVICE.threads,
        False,
        None,
    )

    def __init__(self, architecture: str) -> None:
        self.generator = generator_for(architecture)
        self.plans: list[Plan] = []

    def load(self, plan: Plan) -> NullProgram:
        self.plans.append(plan)
        return NullProgram(plan.function)


def planned(architecture: str, run: Callable[[], None], tensor_float_32: bool) -> list[Plan]:
    """The plans for an architecture of what a function runs."""
    module = ModuleType("penstock._src.devices.planning.device")
    device = module.DEVICE = Planning(architecture)  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    table.FOLDERS["planning"] = "planning"
    table.find_device.cache_clear()
    with override(device="planning", tensor_float_32=int(tensor_float_32)):
        run()
    return device.plans


def of_cases(architecture: str) -> Iterator[tuple[str, list[Plan]]]:
    """(name, plans) of the functions above."""
    for name, make in CASES.items():
        function, arguments = make()
        traced = tf.function(function)
        yield (
            name,
            planned(architecture, functools.partial(traced, *arguments), function not in EXACT),
        )


def of_calls(architecture: str, ops: Sequence[str] = ()) -> Iterator[tuple[str, list[Plan]]]:
    """(op, plans) of the calls that conformance tests draw, or those of some ops, with their gradients."""
    failed: Counter[str] = Counter()
    calls = [entry for entry in CALLS if not ops or entry["op"] in ops]
    for entry in calls:

        def run(entry: Any = entry) -> None:
            try:
                results(entry, lambda f: tf.function(f, autograph=False))
            except (
                tf.errors.OpError,
                ValueError,
                IndexError,
            ) as error:  # zeros that are not indices, for instance
                failed[type(error).__name__] += 1

        yield entry["op"], planned(architecture, run, tensor_float_32=True)
    print(
        f"{failed.total()} of {len(calls)} calls ended early, as results are zeros: {dict(failed)}"
    )


def codes(plans: list[Plan], seen: set[Any]) -> Iterator[tuple[str, CudaCode]]:
    """(label, code) of the kernels of plans that were not seen."""
    for plan in plans:
        for record in plan.launches:
            if (
                isinstance(record, Launch)
                and isinstance(record.code, CudaCode)
                and record.code.key not in seen
            ):
                seen.add(record.code.key)
                yield record.label, record.code


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", nargs="*", default=list(ARCHITECTURES))
    parser.add_argument(
        "--calls", action="store_true", help="the drawn calls of tests/conformance instead"
    )
    parser.add_argument("--ops", nargs="*", default=[], help="the drawn calls of these ops alone")
    parser.add_argument("--spilled", action="store_true", help="prints those alone that spill")
    parsed = parser.parse_args()
    ptxas = find_ptxas()
    if ptxas is None:
        print("ptxas was not found: pip install nvidia-cuda-nvcc", file=sys.stderr)
        return 1
    count, spilled = 0, 0
    for architecture in parsed.architectures:
        seen: set[Any] = set()
        is_drawn = parsed.calls or parsed.ops
        found_plans = of_calls(architecture, parsed.ops) if is_drawn else of_cases(architecture)
        for name, plans in found_plans:
            for label, code in codes(plans, seen):
                _, found = assembled(ptx_of(code), architecture, ptxas)
                for kernel in found:
                    count, spilled = count + 1, spilled + bool(kernel.spilled)
                    if parsed.spilled and not kernel.spilled:
                        continue
                    print(
                        f"{architecture:7} {name:24} {label[:44]:44} threads {code.threads:4} registers {kernel.registers:3} "
                        f"spilled {kernel.spilled:5} stack {kernel.stack:5} shared {max(kernel.shared, code.shared):6}"
                        f"{' serial' if kernel.serial else ''}",
                        flush=True,
                    )
    print(f"{count} kernels, {spilled} of them spill")
    return 0


if __name__ == "__main__":
    sys.exit(main())
