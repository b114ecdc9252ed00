"""Calls of `direct` public functions, which native code makes whole after many of a kind, beside the same calls made by Python.

    make fuzz WHICH=calls NATIVE=1 MINUTES=10            draws forms of calls for a while
    make fuzz WHICH=calls NATIVE=1 SEED=7 ONLY="gather"  one form again

A form says what each argument is (a tensor, an array, a variable, a Python number or list ...), and which stand by position. Calls of a form differ in
values, extents and sometimes dtypes. Python makes all calls of many forms first; then native code makes them, in turn, several times each. Both give the
same bits, gradients included, or the same error.
"""

import argparse
import copy
import inspect
import random
import re
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import penstock as tf
from penstock._src.api.extending.direct_calls import DirectCalls, forget_all
from penstock._src.core import registry
from penstock._src.eager import execute
from tests.fuzz import surviving
from tests.fuzz.calls import call as calls
from tests.fuzz.calls import drawing, judging, resources
from tests.fuzz.calls.running import Outcome, guarded

NEVER = 1 << 40  # calls until native code makes them
FORMS = 256  # that are drawn before Python makes their calls
VARIANTS, ROUNDS = 4, 3
_NUMBERS = ("float32", "float64", "int32", "int64", "bfloat16")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def _tensor(dtype: str, *shape: int) -> dict[str, Any]:
    values = [0, 1, 2, 0, 1] if dtype.startswith("int") else [0.5, -1.0, 2.0, 3.5, -0.25]
    return {"tensor": dtype, "shape": list(shape), "values": values}


X, M, I = _tensor("float32", 2, 3), _tensor("float32", 2, 2), _tensor("int32", 2)
IMAGE, VOLUME = _tensor("float32", 1, 4, 4, 1), _tensor("float32", 1, 2, 3, 3, 1)
WAVE = {"tensor": "complex64", "shape": [2, 2, 2], "values": [[1.0, 0.5], [-2.0, 0.0]]}
# Calls by position of functions that no recorded call has, or has in this form.
OWN: dict[str, list[Any]] = {
    **{name: [X] for name in ("sign", "round", "math.negative", "math.erf", "math.sin", "identity", "math.log")},
    **{name: [X, X] for name in ("math.floordiv", "pow", "less", "less_equal", "greater_equal", "add", "math.maximum")},
    **{f"bitwise.bitwise_{name}": [I, I] for name in ("and", "or", "xor")},
    **{f"math.unsorted_segment_{name}": [X, I, 3] for name in ("prod", "max", "min", "sum")},
    **{f"math.reduce_{name}": [X, 1, True] for name in ("std", "sum", "mean", "max", "variance")},
    **{f"signal.{name}": [WAVE] for name in ("fft3d", "ifft3d")},
    **{f"nn.{name}": [IMAGE, 2, 1, "SAME"] for name in ("max_pool", "avg_pool", "avg_pool2d", "max_pool2d")},
    **{f"nn.{name}": [VOLUME, 2, 1, "SAME"] for name in ("max_pool3d", "avg_pool3d")},
    "scatter_nd": [_tensor("int32", 2, 1), _tensor("float32", 2), [4]], "slice": [X, [0, 1], [2, 2]],
    "argmin": [X, 0], "argmax": [X, 1], "concat": [[X, X], 0], "stack": [[X, X], 0], "math.l2_normalize": [X, 1],
    "linalg.eigh": [M], "linalg.det": [M], "linalg.solve": [M, _tensor("float32", 2, 1)], "nn.leaky_relu": [X, 0.25],
    "nn.log_softmax": [X, 1], "nn.moments": [X, [0]], "nn.bias_add": [X, _tensor("float32", 3)],
    "nn.sparse_softmax_cross_entropy_with_logits": [I, X], "expand_dims": [X, 0], "squeeze": [_tensor("float32", 1, 3), [0]],
    "transpose": [X, [1, 0]], "gather": [X, _tensor("int32", 2, 2), None, 1, 1], "gather_nd": [X, _tensor("int32", 2, 1), 1], "cast": [X, {"dtype": "int32"}], "split": [X, 3, 1],
    "unstack": [X, 2, 0], "reshape": [X, [3, -1]], "tile": [X, [1, 2]], "cumsum": [X, 1, True], "roll": [X, 1, 0],
    "one_hot": [I, 3], "range": [0, 5, 2], "pad": [X, [[0, 1], [1, 0]]], "reverse": [X, [1]], "broadcast_to": [X, [2, 2, 3]],
    "where": [{"tensor": "bool", "shape": [2, 1], "values": [True, False]}, X, X], "linalg.matmul": [X, X, True],
    "linalg.diag": [M, "diag", 1],
}  # fmt: skip


class Form(NamedTuple):
    """What the arguments of some calls are; `variants` have their values. Those of `alike` are one object."""

    function: str
    kinds: dict[str, str]
    positional: list[str]
    differentiated: bool
    alike: list[str]
    variants: list[dict[str, Any]]


def direct_calls_of(function: Any) -> DirectCalls | None:
    """The direct calls of a public function, or None if it has none."""
    for cell in getattr(function, "__closure__", None) or ():
        if isinstance(cell.cell_contents, DirectCalls):
            return cell.cell_contents
    inner = getattr(function, "__wrapped__", None)
    return None if inner is None else direct_calls_of(inner)


def bases() -> dict[str, list[dict[str, Any]]]:
    """The calls from which forms are drawn, of each direct function."""
    found: dict[int, tuple[str, list[dict[str, Any]]]] = {}
    recorded = drawing.recorded()
    paths = [key.split(" ")[1] for key in recorded if key.startswith("function ")]
    for path in sorted({*paths, *OWN}):
        function = calls.target(tf, {"function": path})
        known = direct_calls_of(function)
        if known is None:
            continue
        own = [dict(zip(inspect.signature(function).parameters, OWN[path]))] if path in OWN else []
        arguments = [call["arguments"] for call in recorded.get(f"function {path}", ())]
        arguments = [one for one in arguments if _is_small(one)]
        found.setdefault(id(known), (path, []))[1].extend([*own, *arguments])
    return dict(found.values())


def _is_small(value: Any) -> bool:
    """True if no integer within an argument is a large size."""
    if isinstance(value, dict):
        value = list(value.values())
    return (
        all(map(_is_small, value))
        if isinstance(value, list)
        else type(value) is not int or abs(value) < 1000
    )


def draw(path: str, calls_of_it: Sequence[dict[str, Any]], seed: int) -> Form:
    """The form of a seed of a function, and its calls."""
    choice = random.Random(f"{path}:{seed}")
    base = copy.deepcopy(calls_of_it[0] if choice.random() < 0.4 else choice.choice(calls_of_it))
    parameters = list(inspect.signature(calls.target(tf, {"function": path})).parameters)
    leading = []
    for name in parameters:
        if name not in base:
            break
        leading.append(name)
    kinds = {name: _kind(value, choice) for name, value in base.items()}
    variants = [base]
    for _ in range(VARIANTS - 1):
        like = choice.choice(variants)
        chances = {name: 0.7 if _is_tensor(value) else 0.4 for name, value in like.items()}
        variants.append(
            {n: _other(v, choice) if choice.random() < chances[n] else v for n, v in like.items()}
        )
    positional = leading[: choice.randrange(len(leading) + 1)]
    tensors = [name for name, value in base.items() if _is_tensor(value) and kinds[name] == "same"]
    alike = tensors[:2] if choice.random() < 0.1 else []
    return Form(path, kinds, positional, choice.random() < 0.25, alike, variants)


# -- arguments -------------------------------------------------------------------------------------------------------------


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and "tensor" in value


def _kind(value: Any, choice: random.Random) -> str:
    """What an argument is: itself ("same"), or something else of the same values."""
    others = ["same"]
    if _is_tensor(value):
        others = ["array", "variable", "values"]
    elif isinstance(value, bool):
        others = ["array", "tensor"]
    elif isinstance(value, int | float):
        others = ["tensor", "tensor", "int64", "variable", "array", "scalar"]
    elif isinstance(value, list) and value and all(type(v) is int for v in value):
        others = ["tuple", "tensor", "int64", "variable", "array", "tensors"]
    elif isinstance(value, list) and value and all(map(_is_tensor, value)):
        others = ["tuple", "variables", "arrays"]
    return "same" if choice.random() < 0.5 else choice.choice(others)


def _other(value: Any, choice: random.Random) -> Any:
    """Another value of an argument of the same kind."""
    if _is_tensor(value):
        how = choice.random()
        extents = value["shape"]
        if how < 0.3:
            extents = [choice.choice([n, n, 1, 2, 3, n + 1]) for n in extents]
        elif how < 0.4:
            extents = extents[1:] if how < 0.35 else [1, *extents]
        elif how < 0.5 and value["tensor"] in _NUMBERS:
            return {**value, "tensor": choice.choice(_NUMBERS)}
        values = [_element(value["tensor"], v, choice) for v in value["values"]]
        return {**value, "shape": extents, "values": values}
    if isinstance(value, bool):
        return choice.choice([not value, not value, int(value)])
    if isinstance(value, int):
        return choice.choice([value + 1, -value, value - 1, 0, 1, 2, -1, float(value), bool(value)])
    if isinstance(value, float):
        return choice.choice([*drawing.FLOATS[:10], 1, value / 2])
    if isinstance(value, list) and value:
        if choice.random() < 0.2:
            return choice.choice([value[1:], [*value, value[-1]], value[::-1]])
        return [_other(v, choice) if choice.random() < 0.6 else v for v in value]
    if value is None:
        return choice.choice([None, None, 0, 1, -1])
    if isinstance(value, dict) and "dtype" in value:
        return {"dtype": choice.choice(drawing.DTYPES)}
    return value


def _element(dtype: str, value: Any, choice: random.Random) -> Any:
    if dtype in drawing.LIMITS:  # large ones would be sizes
        return abs(value) if dtype.startswith(("u", "qu")) else choice.choice([value, 0, 1, 2, 3, -1])  # fmt: skip
    return choice.choice([value, drawing.a_value(dtype, choice)])


def _made(value: Any, kind: str) -> Any:
    """The Python object of an argument of a kind."""
    if kind == "same" or value is None or isinstance(value, dict) and not _is_tensor(value):
        return calls.argument(tf, value, resources)
    if kind in ("variables", "arrays") and isinstance(value, list):
        return [_made(v, "array" if kind == "arrays" or i % 2 else "variable") for i, v in enumerate(value)]  # fmt: skip
    if kind == "tuple":
        return tuple(calls.argument(tf, value, resources))
    if _is_tensor(value):
        tensor = calls.argument(tf, value, resources)
        if kind == "variable":
            return tf.Variable(tensor)
        return tensor.numpy() if kind == "array" else tensor.numpy().tolist()
    if kind == "tensors":
        return [tf.constant(v) for v in value]
    if kind == "array":
        return np.asarray(value)
    if kind == "scalar":
        return np.asarray(value)[()]
    is_whole = kind == "int64" and np.asarray(value).dtype.kind == "i"
    tensor = tf.constant(value, tf.int64 if is_whole else None)
    return tf.Variable(tensor) if kind == "variable" else tensor


# -- calls -----------------------------------------------------------------------------------------------------------------


def outcome(form: Form, variant: dict[str, Any]) -> Any:
    """What a call gives: the types and bits of its results and gradients, or its error."""
    kinds = form.kinds
    built = guarded(lambda: Outcome([{n: _made(value, kinds[n]) for n, value in variant.items()}]))
    if built.error is not None:
        return "no call", type(built.error).__name__
    done = guarded(lambda: Outcome([_results(form, built.values[0])]))
    if done.error is not None:
        return type(done.error).__name__, ADDRESS.sub("", str(done.error))
    return done.values[0]


def _results(form: Form, arguments: dict[str, Any]) -> Any:
    function = calls.target(tf, {"function": form.function})
    arguments.update({name: arguments[form.alike[0]] for name in form.alike})
    sources = [value for value in tf.nest.flatten(list(arguments.values())) if _has_slope(value)]
    positional = [arguments.pop(name) for name in form.positional]
    if not form.differentiated:
        return _described(function(*positional, **arguments))
    with tf.GradientTape() as tape:
        tape.watch([value for value in sources if isinstance(value, tf.Tensor)])
        result = function(*positional, **arguments)
    return _described(result), _described(tape.gradient(result, sources))


def _has_slope(value: Any) -> bool:
    return isinstance(value, tf.Tensor | tf.Variable) and value.dtype.is_floating


def _described(result: Any) -> Any:
    if isinstance(result, list | tuple):
        return type(result).__name__, [_described(one) for one in result]
    if isinstance(result, tf.Tensor):
        array = result.numpy()
        bits = array.tolist() if isinstance(array, bytes) or array.dtype == object else array.tobytes()  # fmt: skip
        return result.dtype.name, tuple(result.shape), bits
    return type(result).__name__, None if result is None else str(result)


def _mode(often: int) -> None:
    """Has calls be native after `often` ones; all that native code knows is forgotten."""
    execute.OFTEN, execute.MANY = often, 0
    for cls in registry.load_all().values():
        cls.bound.clear()
        cls.quick, cls.quick_forms = None, ()
        for scope in cls.scopes:
            scope["quick"] = None
    forget_all()


def differences(forms: Sequence[Form]) -> list[tuple[Form, int, Any, Any]]:
    """The calls that differ: the form, the variant, what Python gives and what comes after native code has learned some."""
    before = execute.OFTEN, execute.MANY
    try:
        _mode(NEVER)
        first = [[outcome(form, variant) for variant in form.variants] for form in forms]
        _mode(1)
        found = []
        for form, expected in zip(forms, first, strict=True):
            known = direct_calls_of(calls.target(tf, {"function": form.function}))
            assert known is not None
            for at in [0, *range(len(expected))] * ROUNDS:
                # What gives no form would be recorded less and less often.
                known.left, known._tries = 1 if known.left > 0 else -1, 0
                again = outcome(form, form.variants[at])
                if not _is_same(form, again, expected[at]):
                    found.append((form, at, expected[at], again))
                    break
        return found
    finally:
        _mode(before[0])
        execute.MANY = before[1]


def _is_same(form: Form, one: Any, other: Any) -> bool:
    if judging.is_repeatable({"function": form.function}):
        return bool(one == other)
    return str(one[:2])[:40] == str(other[:2])[:40] or type(one) is type(other)


def drawn(seeds: Sequence[int], only: str = "") -> list[Form]:
    """The forms of seeds, of one function after the other."""
    known = sorted((path, own) for path, own in bases().items() if re.search(only, path))
    return [draw(*known[seed % len(known)], seed // len(known)) for seed in seeds]


def report(found: Sequence[tuple[Form, int, Any, Any]]) -> str:
    """What is found, in lines."""
    lines = []
    for form, at, python, native in found:
        lines.append(f"{form.function} {form.kinds} by position {form.positional}, {form.variants[at]}")  # fmt: skip
        lines.append(f"    python {str(python)[:300]}\n    native {str(native)[:300]}")
    return "\n".join(lines)


def main() -> int:
    """Draws forms as the command line asks for; the status is 1 if anything is found."""
    parser = argparse.ArgumentParser("python -m tests.fuzz.calls.natively", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", default="", help="a pattern for the function's path")
    parser.add_argument("--seed", type=int, help="one form")
    parsed = parser.parse_args()
    surviving.limit_memory()
    start, count, total = time.monotonic(), 0, 0
    seeds = range(parsed.first, sys.maxsize) if parsed.seed is None else range(parsed.seed, parsed.seed + 1)  # fmt: skip
    for at in range(0, len(seeds), FORMS):
        forms = drawn(seeds[at : at + FORMS], parsed.only)
        found = differences(forms)
        count, total = count + len(forms), total + len(found)
        if found:
            print(report(found), flush=True)
        if time.monotonic() - start > 60 * parsed.minutes:
            break
    print(f"{count} forms of {len(bases())} functions, {total} differ")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
