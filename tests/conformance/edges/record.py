"""Makes recorded.npz: what TensorFlow gives for every function of `calls.py` that it has a kernel for.

python -m tests.conformance.edges.record      where TensorFlow 2.21 is installed
"""

import json
import os
import pathlib

import ml_dtypes
import numpy as np

from tests.conformance.edges.calls import edges
from tests.conformance.record import Store

TARGET = pathlib.Path(__file__).with_name("recorded.npz")
TOLERANCE = {"float64": 1e-11, "float32": 2e-5, "float16": 4e-3, "bfloat16": 2e-2}
# Places and lengths at which functions are called again: their results must not hang on the place in a vector.
PARTS = ((0, 1), (1, 7), (8, 16), (5, 37))


def outputs(tf, edge, arrays):
    """Returns the outputs of a function on arrays."""
    made = edge.run(tf, *[tf.constant(array) for array in arrays])
    return [np.asarray(out.numpy()) for out in tf.nest.flatten(made)]


def main():
    """Writes what TensorFlow gives, and the places where that is something else in a part of the vectors."""
    import tensorflow as tf

    store, kept = Store(), []
    for edge in edges():
        try:
            found = outputs(tf, edge, edge.inputs)
        except Exception as error:  # there is no kernel for the type
            print(edge.name, type(error).__name__, str(error)[:60])
            continue
        loose = np.zeros(len(edge.inputs[0]), bool)
        for start, count in PARTS if edge.by_element else ():
            part = slice(start, start + count)
            again = outputs(tf, edge, [array[part] for array in edge.inputs])
            for whole, piece in zip(found, again, strict=True):
                loose[part] |= differs(piece, whole[part])
        entry = {"name": edge.name, "outputs": [store.put(array) for array in found]}
        if loose.any():
            entry["loose"] = np.flatnonzero(loose).tolist()
        kept.append(entry)
    np.savez_compressed(TARGET, calls=json.dumps(kept), version=tf.__version__, **store.by_type())
    print(len(kept), "functions,", TARGET.stat().st_size, "bytes")


def differs(made, wanted):
    """Where two arrays hold different numbers: by more than rounding, or than a denormal number."""
    if made.dtype.kind in "iub":
        return made != wanted
    if made.dtype.kind == "c":
        return differs(made.real, wanted.real) | differs(made.imag, wanted.imag)
    slack = 4 * float(ml_dtypes.finfo(made.dtype).tiny)
    tolerance = TOLERANCE[made.dtype.name]
    made, wanted = made.astype(np.float64), wanted.astype(np.float64)
    with np.errstate(all="ignore"):
        close = np.abs(made - wanted) <= tolerance * np.abs(wanted) + slack
    return ~(close | (made == wanted) | (np.isnan(made) & np.isnan(wanted)))


if __name__ == "__main__":
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    main()
