"""Makes recorded.npz: drawn calls with the results and gradients that TensorFlow gives.

    python -m tests.conformance.record draw cases.npz      where Penstock and hypothesis are installed
    python tests/conformance/record.py compute cases.npz   where TensorFlow 2.21 is installed

A call that TensorFlow's CPU kernels refuse is left out.
"""

import json
import pathlib
import sys

import numpy as np

TARGET = pathlib.Path(__file__).with_name("recorded.npz")
CALLS_PER_OP = 2
MOST_ELEMENTS = 120


def draw(path: str) -> None:
    """Writes calls of each op: inputs as arrays, the rest as JSON."""
    from tests.conformance.drawn import DRAWS

    calls, arrays = [], {}
    for op in sorted(DRAWS):
        for case in some_calls(DRAWS[op]):
            entry = {"op": op, "attrs": case.attrs, "inputs": []}
            for value in case.inputs:
                names = []
                for part in parts_of(value):
                    name = f"i{len(arrays)}"
                    arrays[name] = np.asarray(part)
                    names.append(name)
                entry["inputs"].append(names if isinstance(value, list) else names[0])
            calls.append(entry)
    np.savez_compressed(path, calls=json.dumps(calls), **arrays)
    print(len(calls), "calls of", len(DRAWS), "ops")


def some_calls(strategy):
    """Returns the last of some calls that a strategy draws, the same each time, of those that are small."""
    from hypothesis import HealthCheck, given, settings

    found = []

    @settings(
        max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def collect(case):
        found.append(case)

    collect()
    sizes = [sum(np.size(a) for x in c.inputs for a in parts_of(x)) for c in found]
    small = [c for c, size in zip(found, sizes, strict=True) if 0 < size <= MOST_ELEMENTS]
    return small[-CALLS_PER_OP:]


def parts_of(value):
    """Returns the arrays of an input."""
    return value if isinstance(value, list) else [value]


def compute(path: str) -> None:
    """Adds TensorFlow's outputs, and the gradients of their sums, to the calls."""
    import tensorflow as tf

    with np.load(path) as file:
        calls = json.loads(str(file["calls"]))
        arrays = {name: file[name] for name in file.files if name != "calls"}
    kept, store = [], Store()
    for entry in calls:
        names = list(tf.raw_ops.__dict__[entry["op"]].__signature__.parameters)
        try:
            results = results_of(tf, entry, arrays, names)
        except Exception as error:
            print(entry["op"], type(error).__name__, str(error)[:100])
            continue
        entry["inputs"] = [
            [store.put(arrays[n]) for n in part]
            if isinstance(part, list)
            else store.put(arrays[part])
            for part in entry["inputs"]
        ]
        for kind, values in zip(("outputs", "gradients"), results, strict=True):
            entry[kind] = [None if value is None else store.put(value) for value in values]
        kept.append(entry)
    np.savez_compressed(TARGET, calls=json.dumps(kept), version=tf.__version__, **store.by_type())
    print(len(kept), "calls,", TARGET.stat().st_size, "bytes")


class Store:
    """Arrays one after the other, by type; an array is named by {"type", "at", "shape"}."""

    def __init__(self):
        self.parts, self.sizes = {}, {}

    def put(self, array):
        """Keeps an array; returns its name."""
        kind = array.dtype.name
        at = self.sizes.get(kind, 0)
        self.parts.setdefault(kind, []).append(array.ravel())
        self.sizes[kind] = at + array.size
        return {"type": kind, "at": at, "shape": list(array.shape)}

    def by_type(self):
        """Returns {type: all arrays of it, flat}."""
        return {kind: np.concatenate(parts) for kind, parts in self.parts.items()}


def results_of(tf, entry, arrays, names):
    """Returns the outputs of a call, and the gradient of their sum for each float input (None if there is none)."""
    values = [
        [tf.constant(arrays[n]) for n in part]
        if isinstance(part, list)
        else tf.constant(arrays[part])
        for part in entry["inputs"]
    ]
    watched = [v for v in tf.nest.flatten(values) if v.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        outputs = tf.nest.flatten(
            getattr(tf.raw_ops, entry["op"])(
                **dict(zip(names, values, strict=False)), **attributes(entry["attrs"])
            )
        )
        floats = [o for o in outputs if o.dtype.is_floating]
    try:
        found = tape.gradient(floats, watched) if floats and watched else []
    except LookupError:
        found = []
    dense = [None if g is None else tf.convert_to_tensor(g).numpy() for g in found]
    return [o.numpy() for o in outputs], dense


def attributes(attrs):
    """The attributes under the names of tf.raw_ops."""
    return {{"squeeze_dims": "axis"}.get(name, name): value for name, value in attrs.items()}


if __name__ == "__main__":
    {"draw": draw, "compute": compute}[sys.argv[1]](sys.argv[2])
