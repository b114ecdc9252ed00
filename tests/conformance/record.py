"""Makes recorded.npz: drawn calls with the results and gradients that TensorFlow gives.

    python -m tests.conformance.record draw cases.npz      where Penstock and hypothesis are installed
    python -m tests.conformance.record compute cases.npz   where TensorFlow 2.21 is installed
    python -m tests.conformance.record second recorded.npz there, too: recorded_second.npz, gradients of gradients of those calls
    python -m tests.conformance.record programs 60         there, too: recorded_programs.npz, so many programs
    python -m tests.conformance.record kernels ops.txt     there, too: kernels.json, for ops named in a file

A call that TensorFlow's CPU kernels refuse is left out.
"""

import json
import os
import pathlib
import sys

import numpy as np

from tests.conformance.calling import call, call_on_variables, tensors

TARGET = pathlib.Path(__file__).with_name("recorded.npz")
SECOND = pathlib.Path(__file__).with_name("recorded_second.npz")
PROGRAMS = pathlib.Path(__file__).with_name("recorded_programs.npz")
KERNELS = pathlib.Path(__file__).with_name("kernels.json")
CALLS_PER_OP = 6
# TensorFlow's kernel may not have moved the state on when the next call reads it.
UNRECORDED = {"StatefulRandomBinomial"}
MOST_ELEMENTS = 120


def draw(path: str) -> None:
    """Writes calls of each op: inputs as arrays, the rest as JSON."""
    from tests.conformance.draws import DRAWS
    from tests.conformance.draws.elementwise import special_cases

    calls, store = [], Store()
    for op in sorted(set(DRAWS) - UNRECORDED):
        calls += [entry_of(case, store) for case in some_calls(DRAWS[op])]
    calls += [entry_of(case, store) for case in special_cases()]
    np.savez_compressed(path, calls=json.dumps(calls), **store.by_type())
    print(len(calls), "calls of", len(DRAWS), "ops")


def entry_of(case, store):
    """Returns what is written of a call."""
    attrs = {} if any(isinstance(v, np.ndarray) for v in case.attrs.values()) else case.attrs
    entry = {"op": case.op, "attrs": attrs, "inputs": store.put_all(case.inputs)}
    variables = getattr(case, "variables", None)
    if variables is not None:
        entry["variables"] = store.put_all(variables)
    return entry


def some_calls(strategy):
    """Returns some calls that a strategy draws, the same each time: small ones, of all the types it draws."""
    from hypothesis import HealthCheck, given, settings

    found = []

    @settings(
        max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def collect(case):
        if 0 < size_of(case) <= MOST_ELEMENTS or not case.inputs:
            found.append(case)

    collect()
    kinds, chosen = set(), []
    for case in reversed(found):
        kind = tuple(np.asarray(a).dtype.name for a in arrays_of(case))
        if kind not in kinds or len(chosen) < 2:
            chosen.append(case)
        kinds.add(kind)
    return chosen[:CALLS_PER_OP]


def arrays_of(case):
    """Returns all arrays of a call, lists spread out."""
    inputs = [*getattr(case, "variables", ()), *case.inputs]
    return [part for value in inputs for part in (value if isinstance(value, list) else [value])]


def size_of(case):
    return sum(np.size(array) for array in arrays_of(case))


def compute(path: str) -> None:
    """Adds TensorFlow's outputs, and the gradients of their sums, to the calls."""
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # with it, turning a scalar ends the process
    import tensorflow as tf

    calls, drawn = load(path)
    kept, store = [], Store()
    for entry in calls:
        if not hasattr(tf.raw_ops, entry["op"]):
            continue
        inputs = [array_at(drawn, name) for name in entry["inputs"]]
        variables = [array_at(drawn, name) for name in entry.get("variables", ())]
        try:
            if "variables" in entry:
                arguments = (tf, entry["op"], variables, inputs, entry["attrs"])
                results = call_on_variables(*arguments, lambda function: function), []
            else:
                results = results_of(tf, entry, inputs)
        except Exception as error:
            print(entry["op"], type(error).__name__, str(error)[:100])
            continue
        entry["inputs"] = store.put_all(inputs)
        if "variables" in entry:
            entry["variables"] = store.put_all(variables)
        for kind, values in zip(("outputs", "gradients"), results, strict=True):
            entry[kind] = [None if value is None else store.put(value) for value in values]
        kept.append(entry)
    np.savez_compressed(TARGET, calls=json.dumps(kept), version=tf.__version__, **store.by_type())
    print(len(kept), "calls,", TARGET.stat().st_size, "bytes")


def load(path):
    """Returns the calls of a file, and {type: its arrays, flat}."""
    with np.load(path) as file:
        arrays = {n: file[n] for n in file.files if n not in ("calls", "version")}
        return json.loads(str(file["calls"])), arrays


class Store:
    """Arrays one after the other, by type; an array is named by [type, place of the first element, shape]."""

    def __init__(self):
        self.parts, self.sizes = {}, {}

    def put(self, array):
        """Keeps an array; returns its name."""
        array = np.asarray(array)
        kind = array.dtype.name
        at = self.sizes.get(kind, 0)
        self.parts.setdefault(kind, []).append(array.ravel())
        self.sizes[kind] = at + array.size
        return [kind, at, list(array.shape)]

    def put_all(self, values):
        """Keeps arrays and lists of arrays; returns their names, of a list {"list": names}."""
        return [
            {"list": [self.put(v) for v in value]} if isinstance(value, list) else self.put(value)
            for value in values
        ]

    def by_type(self):
        """Returns {type: all arrays of it, flat}; numbers that NumPy's files do not know, as integers."""
        joined = {kind: np.concatenate(parts) for kind, parts in self.parts.items()}
        return {k: a.view(np.uint16) if k == "bfloat16" else a for k, a in joined.items()}


def array_at(arrays, name):
    """Returns the array, or the list of arrays, that `Store` kept under a name."""
    import ml_dtypes

    if isinstance(name, dict):
        return [array_at(arrays, part) for part in name["list"]]
    kind, at, shape = name
    found = arrays[kind][at : at + int(np.prod(shape))].reshape(shape)
    return found.view(ml_dtypes.bfloat16) if kind == "bfloat16" else found


def results_of(tf, entry, inputs):
    """Returns the outputs of a call, and the gradient of their sum for each float input (None if there is none)."""
    values = tensors(tf, inputs)
    watched = [v for v in tf.nest.flatten(values) if v.dtype.is_floating or v.dtype.is_complex]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        outputs = call(tf, entry["op"], values, entry["attrs"])
        smooth = [o for o in outputs if o.dtype.is_floating or o.dtype.is_complex]
    try:
        found = tape.gradient(smooth, watched) if smooth and watched else []
    except Exception as error:  # TensorFlow has no gradient, or its kernel refuses the arguments
        print(entry["op"], "gradient:", type(error).__name__, str(error)[:100])
        found = []
    dense = [None if g is None else tf.convert_to_tensor(g).numpy() for g in found]
    return [written(entry["op"], inputs, found) for found in ([o.numpy() for o in outputs], dense)]


def written(op, inputs, results):
    """Returns outputs or gradients, None for those that TensorFlow's kernels may leave as the memory was."""
    if op.startswith("Depthwise") and not all(array.size for array in inputs):
        return [None] * len(results)
    if op.startswith("FusedBatchNorm"):
        return [*results[:3], *[None] * (len(results) - 3)]
    return results


def second(path: str) -> None:
    """Writes the second gradients of the calls of a file, by their places in it, of float32 and wider."""
    import tensorflow as tf

    from tests.conformance.calling import second_gradients

    calls, drawn = load(path)
    found, store = {}, Store()
    for place, entry in enumerate(calls):
        inputs = [array_at(drawn, name) for name in entry["inputs"]]
        narrow = any(a.dtype.itemsize == 2 for a in tf.nest.flatten(inputs))
        # The gradient of the raw op counts the batch's mean and variance once more, as parts of x.
        if narrow or not any(entry["gradients"]) or entry["op"].startswith("FusedBatchNormGrad"):
            continue
        try:
            results = second_gradients(tf, entry["op"], tensors(tf, inputs), entry["attrs"])
        except Exception as error:
            print(entry["op"], type(error).__name__, str(error)[:100])
            continue
        if any(result is not None and result.numpy().any() for result in results):
            found[place] = [None if r is None else store.put(r.numpy()) for r in results]
    np.savez_compressed(SECOND, calls=json.dumps(found), version=tf.__version__, **store.by_type())
    print(len(found), "calls,", SECOND.stat().st_size, "bytes")


def programs(count: str) -> None:
    """Writes what random programs give in TensorFlow: a part of all values, and of the gradients of the last."""
    import tensorflow as tf

    from tests.conformance.programs import build, sample, with_gradients

    made, store, batch = [], Store(), 4
    for seed in range(int(count)):
        program = build(tf, seed)
        arguments = [tf.constant(array) for array in program.arguments(batch)]
        results = with_gradients(tf, program)(*arguments)
        names = store.put_all([sample(value.numpy()) for value in results])
        made.append({"seed": seed, "batch": batch, "names": program.names, "results": names})
    np.savez_compressed(PROGRAMS, calls=json.dumps(made), version=tf.__version__, **store.by_type())
    print(len(made), "programs,", PROGRAMS.stat().st_size, "bytes")


def kernels(path: str) -> None:
    """Writes for which types TensorFlow's CPU kernels of ops are registered."""
    import tensorflow as tf
    from tensorflow.python.framework import kernels as registered

    table = {}
    for op in sorted(pathlib.Path(path).read_text().split()):
        types = {}
        for kernel in registered.get_registered_kernels_for_op(op).kernel:
            for rule in kernel.constraint if kernel.device_type == "CPU" else ():
                allowed = [tf.as_dtype(t).name for t in rule.allowed_values.list.type]
                types.setdefault(rule.name, set()).update(allowed)
        if types:
            table[op] = {attr: sorted(found) for attr, found in sorted(types.items())}
    lines = ",\n".join(f" {json.dumps(op)}: {json.dumps(types)}" for op, types in table.items())
    KERNELS.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    COMMANDS = {c.__name__: c for c in (draw, compute, second, programs, kernels)}
    COMMANDS[sys.argv[1]](sys.argv[2])
