"""Products, convolutions, attention and memory: results beside NumPy's, rates beside the GPU's peak, and JAX or PyTorch if they are there."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.bridge.cli.doctor.first_light.findings import (
    Found,
    Subject,
    compared,
    failed,
    measured,
    passed,
)
from penstock._src.bridge.tensorflow_alias import PUBLIC
from penstock._src.util.flags import override
from penstock._src.util.slots import above

ALLOWED = 1e-2  # TF32 keeps ten bits
REPEATED = 16  # products within one measured call
TRIALS = 5
# Operations of a multiprocessor in a cycle, by compute capability: float32, and TF32 in tensor cores.
CYCLE: dict[int, tuple[int, int | None]] = {
    75: (128, None), 80: (128, 1024), 86: (256, 512), 89: (256, 512), 90: (256, 2048), 100: (256, None), 120: (256, None),
}  # fmt: skip
CLOCK, MEMORY_CLOCK, BUS_BITS = 13, 36, 37  # numbers of attributes of a device


def _peaks(subject: Subject) -> tuple[float | None, float | None, float | None]:
    """Float32 and TF32 operations, and bytes of memory, in a second; None: not known."""
    if subject.is_emulated:
        return None, None, None
    gpu = above("find_device")(subject.device).gpu
    attribute = gpu.driver.attribute
    cycles = gpu.multiprocessors * attribute(gpu.device, CLOCK) * 1e3
    plain, tensor = CYCLE.get(gpu.capability[0] * 10 + gpu.capability[1], (None, None))
    bandwidth = 2 * attribute(gpu.device, MEMORY_CLOCK) * 1e3 * attribute(gpu.device, BUS_BITS) / 8
    return plain and plain * cycles, tensor and tensor * cycles, bandwidth or None


def _seconds(call: Callable[[], Any]) -> float:
    """The least time of a call that ends when its scalar result is on the host."""
    call(), call()
    times = []
    for _ in range(TRIALS):
        start = time.perf_counter()
        float(call())
        times.append(time.perf_counter() - start)
    return min(times)


def _rate(what: str, operations: float, seconds: float, subject: Subject) -> Found:
    if subject.is_emulated:
        return measured(f"{what}: ran; rates of an emulated GPU mean nothing")
    rate = operations / seconds
    plain, tensor, _ = _peaks(subject)
    shares = [
        f"{rate / peak:.0%} of the {name} peak"
        for name, peak in (("float32", plain), ("TF32", tensor))
        if peak
    ]
    return measured(f"{what}: {rate / 1e12:.2f} TFLOP/s, {', '.join(shares) or 'peak not known'}")


def _on(subject: Subject) -> tuple[Any, Any]:
    """TensorFlow's API, and a context in which functions run on the GPU."""
    return importlib.import_module(PUBLIC), override(device=subject.device)


def products(subject: Subject) -> Iterator[Found]:
    """Matrix products of several sizes and types."""
    tf, there = _on(subject)
    draw = np.random.default_rng(1)
    small = [draw.normal(size=(67, 45)), draw.normal(size=(45, 130))]
    with there:
        for kind in ("float32", "float16", "bfloat16"):
            a, b = (tf.cast(tf.constant(each), kind) for each in small)
            product = tf.cast(tf.function(lambda a, b: a @ b)(a, b), tf.float64).numpy()
            wanted = tf.cast(a, tf.float64).numpy() @ tf.cast(b, tf.float64).numpy()
            worst = float(np.max(np.abs(product - wanted)) / np.max(np.abs(wanted)))
            yield compared(f"product of {kind}", worst, ALLOWED)
        for kind in ("float32", "bfloat16"):
            for n in (64,) if subject.is_emulated else (1024, 4096, 8192):
                x = tf.cast(tf.fill([n, n], 1.0 / n), kind)
                count = 2 if subject.is_emulated else REPEATED

                @tf.function
                def chain(x: Any, count: int = count) -> Any:
                    y = x
                    for _ in range(count):
                        y = y @ x
                    return tf.reduce_sum(tf.cast(y, tf.float32))

                seconds = _seconds(lambda chain=chain, x=x: chain(x))  # type: ignore[misc]
                yield _rate(f"products of {kind}[{n}, {n}]", 2.0 * n**3 * count, seconds, subject)


def convolutions(subject: Subject) -> Iterator[Found]:
    """Convolutions, forward and backward."""
    tf, there = _on(subject)
    draw = np.random.default_rng(2)
    batch, size, channels = (1, 6, 8) if subject.is_emulated else (64, 56, 64)
    x = tf.constant(draw.normal(size=(batch, size, size, channels)).astype("float32"))
    w = tf.constant(draw.normal(size=(3, 3, channels, channels)).astype("float32"))

    def step(x: Any, w: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            y = tf.reduce_sum(tf.square(tf.nn.conv2d(x, w, 1, "SAME")))
        return y, tape.gradient(y, [x, w])

    wanted = tf.nest.flatten(tf.function(step)(x, w)) if subject.is_emulated else None
    with there:
        compiled = tf.function(step)
        results = tf.nest.flatten(compiled(x, w))
        if wanted is not None:
            for name, f, g in zip(
                ("sum", "gradient of images", "gradient of filters"), results, wanted, strict=True
            ):
                scale = float(np.max(np.abs(g.numpy())))
                yield compared(name, float(np.max(np.abs(f.numpy() - g.numpy()))) / scale, ALLOWED)
        total = tf.function(lambda x, w: sum(tf.reduce_sum(g) for g in tf.nest.flatten(step(x, w))))
        operations = 3 * 2.0 * batch * size * size * 9 * channels * channels
        seconds = _seconds(lambda: total(x, w))
        yield _rate(
            f"convolutions 3 x 3 of {channels} channels, with gradients",
            operations,
            seconds,
            subject,
        )


def attention(subject: Subject) -> Iterator[Found]:
    """Attention, which is computed in blocks."""
    tf, there = _on(subject)
    draw = np.random.default_rng(3)
    batch, heads, length, width = (1, 2, 32, 16) if subject.is_emulated else (8, 16, 2048, 64)
    q, k, v = (
        tf.constant(draw.normal(size=(batch, heads, length, width)).astype("float32"))
        for _ in range(3)
    )

    def attend(q: Any, k: Any, v: Any) -> Any:
        return tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / width**0.5) @ v

    with there:
        result = tf.function(attend)(q, k, v).numpy()
        part = [each.numpy()[0, 0].astype(np.float64) for each in (q, k, v)]
        scores = part[0] @ part[1].T / width**0.5
        weights = np.exp(scores - scores.max(1, keepdims=True))
        wanted = weights / weights.sum(1, keepdims=True) @ part[2]
        worst = float(np.max(np.abs(result[0, 0] - wanted)) / np.max(np.abs(wanted)))
        yield compared("attention", worst, ALLOWED)
        total = tf.function(lambda q, k, v: tf.reduce_sum(attend(q, k, v)))
        seconds = _seconds(lambda: total(q, k, v))
        yield _rate("attention", 4.0 * batch * heads * length * length * width, seconds, subject)


def memory(subject: Subject) -> Iterator[Found]:
    """Bandwidth, and memory that is given back."""
    tf, there = _on(subject)
    count = 1 << 12 if subject.is_emulated else 1 << 28
    with there:
        x = tf.ones([count])
        total = tf.function(lambda x: tf.reduce_sum(tf.sqrt(x) + 1.0) / count)
        value = float(total(x))
        yield (
            passed("a large sum is right")
            if value == 2.0
            else failed(f"a large sum is {value}, not 2")
        )
        seconds = _seconds(lambda: total(x))
        if subject.is_emulated:
            yield measured("bandwidth: not of an emulated GPU")
        else:
            rate, peak = 4.0 * count / seconds, _peaks(subject)[2]
            share = f", {rate / peak:.0%} of the peak" if peak else ""
            yield measured(
                f"reading {4 * count / 1e9:.1f} GB: {rate / 1e9:.0f} GB/s{share}, the copy to the GPU included if it is not kept"
            )
        use = above("find_device")(subject.device).gpu.use
        before = use.current
        for _ in range(4):
            float(total(tf.ones([count])))
        grown = use.current - before
        yield (
            passed("memory is used again")
            if grown <= 8 * count
            else failed(f"four runs left {grown} bytes")
        )


def profile(subject: Subject) -> Iterator[Found]:
    """The report of a function's kernels with their times."""
    tf, there = _on(subject)
    n = 32 if subject.is_emulated else 2048
    with there:
        step = tf.function(lambda x: tf.nn.softmax(tf.nn.relu(x @ x) + 1.0))
        report = step.explain(tf.ones([n, n]), time=True)
        yield (
            passed(f"{len(report.kernels)} kernels are explained")
            if report.kernels
            else failed("no kernel is explained")
        )
        for line in str(report).splitlines()[:30]:
            yield measured(f"    {line}")


def peers(subject: Subject) -> Iterator[Found]:
    """The same products in JAX and PyTorch, where these have the GPU."""
    n = 4096
    if subject.is_emulated:
        yield measured("no other library runs on an emulated GPU")
        return
    if importlib.util.find_spec("torch") is None:
        yield measured("PyTorch is not installed")
    else:
        torch: Any = importlib.import_module("torch")
        if torch.cuda.is_available():
            torch.backends.cuda.matmul.allow_tf32 = True
            x = torch.full((n, n), 1.0 / n, device="cuda")

            def chain() -> Any:
                y = x
                for _ in range(REPEATED):
                    y = y @ x
                return y.sum()

            yield _rate(
                f"PyTorch's products of float32[{n}, {n}]",
                2.0 * n**3 * REPEATED,
                _seconds(chain),
                subject,
            )
        else:
            yield measured("PyTorch does not see the GPU")
    if importlib.util.find_spec("jax") is None:
        yield measured("JAX is not installed")
        return
    jax: Any = importlib.import_module("jax")
    if not any(device.platform == "gpu" for device in jax.devices()):
        yield measured("JAX does not see the GPU")
        return

    def products_of(y: Any) -> Any:
        z = y
        for _ in range(REPEATED):
            z = z @ y
        return z.sum()

    x, compiled = jax.numpy.full((n, n), 1.0 / n), jax.jit(products_of)
    yield _rate(
        f"JAX's products of float32[{n}, {n}]",
        2.0 * n**3 * REPEATED,
        _seconds(lambda: compiled(x)),
        subject,
    )
