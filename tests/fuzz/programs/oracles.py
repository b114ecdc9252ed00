"""Runs a program in all ways and compares: eager, interpreted, compiled, compiled with parts of the compiler left out.

What is expected is the eager result; what it may be off by comes from runs perturbed by rounding (noise.py).
"""

import contextlib
import re
import traceback
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

from penstock._src.ops.math.reduction import Mean, Prod, Sum
from penstock._src.util import flags
from tests.fuzz.programs.drawing import CLOSE
from tests.fuzz.programs.noise import ROUNDING, Noise, distance, largest
from tests.fuzz.programs.program import all_steps, array_of, forget_texts, helpers_in, load, render
from tests.fuzz.programs.tensorflow_peer import peer
from tests.harness.static_shapes import watching

# Nothing set: what programs meet that nobody tests.
USERS: dict[str, object] = {
    name: flags.TABLE[name].default
    for name in ("verify", "check", "guard", "checked", "optimize", "dump")
}
USERS["disable"] = ""
# {name: flags}
WAYS = {
    "users": USERS,
    "reference": {"device": "reference"},
    "native": {},
    **{f"without {part}": {"disable": part} for part in flags.OPTIONAL},
    "guarded": {"guard": 1},
    "checked": {"check": 1},
}
# On an emulated GPU, of the compute capability that PENSTOCK_EMULATED_CAPABILITY names, with exact products of float32.
ON_GPU = {"gpu": {"device": "GPU_emulated", "tensor_float_32": 0}}

CALL = re.compile(r"\btf\.([\w.]+)")
# What TensorFlow refuses to trace as well, where shapes are unknown.
REFUSALS = (
    "known rank",
    "Cannot infer argument",
    "Number of mask dimensions must be specified",
    "'images' contains no shape",
    "enters the loop with shape",
    "after one iteration",
    "Tried to stack elements of an empty list",
    "Negative dimension size",  # of windows that are larger than an empty image
)


@dataclass(frozen=True)
class Failure:
    """How a program failed: in which way, with an error or a difference, for which sample and result."""

    way: str
    kind: str
    what: str
    sample: int
    result: int = -1

    def cause(self, program):
        """What failures of one defect share: where an error comes from, or what a small program calls."""
        if self.kind == "error":
            return f"error {self.what.split(': ')[0]}"
        calls = {name for step in all_steps(program.steps) for name in CALL.findall(step.text)}
        return f"{self.kind} of {', '.join(sorted(calls))}"


def namespace(tf, program, sample, **more):
    """What the text of a program is run in: helpers and variables."""
    env = {"np": np, "tf": tf, **more}
    load(helpers_in(render(program) + "draws("), env)
    for p in program.variables:
        env[p.name] = tf.Variable(tf.cast(tf.constant(array_of(p, sample)), p.dtype))
    return env


def arguments(tf, program, sample):
    return [tf.cast(tf.constant(array_of(p, sample)), p.dtype) for p in program.arguments]


def arrays(program, env, results):
    """Results and the variables' last values, as arrays."""
    found = [np.asarray(r.numpy()) for r in results]
    return found + [np.asarray(env[p.name].numpy()) for p in program.variables]


def sums_in_double(op):
    """Lets an op add up wide: sums of thousands of equal numbers round alike in every run, whatever perturbs them."""
    narrow = op.reduce

    def reduce(self, x, axes):
        wide = {"float32": np.float64, "complex64": np.complex128}.get(x.dtype.name)
        return (
            narrow(self, x, axes)
            if wide is None
            else narrow(self, x.astype(wide), axes).astype(x.dtype)
        )

    return mock.patch.object(op, "reduce", reduce)


def products_from_the_end():
    """Lets products take their factors in the opposite order: they overflow, vanish and round elsewhere."""
    forwards = Prod.reduce
    return mock.patch.object(
        Prod, "reduce", lambda self, x, axes: forwards(self, np.flip(x, axes), axes)
    )


@contextlib.contextmanager
def eagerly(tf):
    """Functions inside of the program run op by op, and what is compiled nevertheless is interpreted."""
    tf.config.run_functions_eagerly(True)
    try:
        with flags.override(device="reference"), sums_in_double(Sum), sums_in_double(Mean):
            yield
    finally:
        tf.config.run_functions_eagerly(False)


@dataclass
class Expected:
    """The results of one sample and their tolerances; None where a result hangs on rounding."""

    values: list[np.ndarray]
    tolerances: list[float | None]


def expect(tf, program, sample, perturbed=2):
    """Runs a program eagerly, and twice perturbed."""
    runs = []
    with eagerly(tf), watching() as watcher:
        for seed in (None, 1, 2)[: perturbed + 1]:
            noise = Noise(tf, seed) if seed else None
            env = namespace(tf, program, sample, noise=noise)
            load(render(program, noisy=bool(seed)), env)
            order = products_from_the_end() if seed else contextlib.nullcontext()
            try:
                with order:
                    results = env["program"](*arguments(tf, program, sample))
            except tf.errors.InvalidArgumentError:
                if not seed:
                    raise
                # a mask of numbers that were 0 keeps other rows: whether shapes agree hangs on rounding
                return Expected(runs[0], [None] * len(runs[0]))
            runs.append(arrays(program, env, results))
    assert not watcher.wrong, watcher.wrong
    longest = max((np.prod(p.shapes[sample]) for p in program.parameters), default=1)
    units = (
        8 * max(1.0, longest / 4096) ** 0.5
    )  # sums of many like numbers round alike in perturbed runs
    tolerances = []
    for i, (exact, *others) in enumerate(zip(*runs, strict=True)):
        away, size = max([distance(exact, o) for o in others], default=0), largest(exact)
        if i >= len(program.results):  # what is added to a variable rounds by what it was
            size = max(size, 2.0)
        rounding = ROUNDING.get(exact.dtype.name, 0)
        limit = CLOSE * max(size, 1e-3) * (5 if exact.dtype.itemsize == 2 else 1)
        tolerances.append(None if away > limit else 6 * away + units * rounding * size)
    return Expected(runs[0], tolerances)


def compare(found, expected):
    """Returns (number of the result, text) of the first difference, or None."""
    for i, (made, wanted, close) in enumerate(
        zip(found, expected.values, expected.tolerances, strict=True)
    ):
        if close is None:
            continue
        if made.shape != wanted.shape or made.dtype != wanted.dtype:
            return (
                i,
                f"{made.dtype}{list(made.shape)} instead of {wanted.dtype}{list(wanted.shape)}",
            )
        away = distance(made, wanted)
        if away > close:
            return i, f"differs by {away:.3g}, {close:.3g} is close, of {largest(wanted):.3g}"
    return None


def compiled(tf, program, way, expected):
    """Runs the program compiled on all samples; returns a Failure or None."""
    if way == "tensorflow":
        return on_tensorflow(program, expected)
    options = {"verify": 1, **(WAYS | ON_GPU)[way]}
    with flags.override(**options):
        return calls(tf, program, way, expected, *traced(tf, program), program.order)


def traced(tf, program):
    """(what the text of a program is run in, its function as it is traced)."""
    env = namespace(tf, program, 0)
    load(render(program), env)
    specs = [tf.TensorSpec(p.known, p.dtype) for p in program.arguments]
    return env, tf.function(env["program"], input_signature=specs, autograph=program.uses_autograph)


def calls(tf, program, way, expected, env, function, order):
    """Calls a traced function for samples in an order; returns a Failure or None."""
    for sample in order:
        try:
            for p in program.variables:
                env[p.name].assign(tf.cast(tf.constant(array_of(p, sample)), p.dtype))
            found = arrays(program, env, function(*arguments(tf, program, sample)))
            wrong = compare(found, expected[sample])
            if wrong:
                return Failure(way, "difference", wrong[1], sample, wrong[0])
        except Exception as error:
            if any(text in str(error) for text in REFUSALS):
                return None
            return Failure(way, "error", where(error), sample)
    return None


def on_tensorflow(program, expected):
    """Runs the program on TensorFlow, eagerly; returns a Failure or None. What it refuses is not compared."""
    body = render(program)
    text = helpers_in(body + "draws(") + body
    for sample in range(program.samples):
        given = [(p.name, p.dtype, array_of(p, sample)) for p in program.parameters]
        request = {
            "text": text,
            "arguments": [g for g in given if g[0].startswith("v")],
            "variables": [g for g in given if g[0].startswith("x")],
        }
        runs, found = peer().ask(request)
        if runs and all(
            a.size for a in found
        ):  # TensorFlow gives some arrays of no elements odd shapes
            wrong = compare(found, expected[sample])
            if wrong:
                return Failure("tensorflow", "difference", wrong[1], sample, wrong[0])
    return None


def where(error):
    """The type of an error and the innermost line of Penstock's that it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "penstock" in f.filename]
    at = f"{Path(ours[-1].filename).name}:{ours[-1].name}" if ours else ""
    first = str(error).strip().splitlines()[:1]
    return f"{type(error).__name__} at {at}: {''.join(first)[:160]}"


def check(tf, program, ways):
    """Returns (failures, what was expected) of a program; only one failure of each cause."""
    expected = [expect(tf, program, sample) for sample in range(program.samples)]
    failures = {}
    for way in ways:
        failure = compiled(tf, program, way, expected)
        if failure:  # one of each kind: the same defect shows in several ways
            failures.setdefault(failure.what if failure.kind == "error" else "", failure)
    forget_texts()
    return list(failures.values())
