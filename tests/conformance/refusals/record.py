"""Makes recorded.npz: what TensorFlow answers to some spoilt calls of each op.

    python -m tests.conformance.refusals.answers tensorflow answers.pkl   where TensorFlow 2.21 is installed
    python -m tests.conformance.refusals.record answers.pkl

Of each op some calls are kept that TensorFlow refuses, and one that it computes.
"""

import json
import pathlib
import pickle
import sys

import numpy as np

from tests.conformance.record import Store
from tests.conformance.refusals.mutations import HUGE, chosen_calls

TARGET = pathlib.Path(__file__).with_name("recorded.npz")
MOST_DRAWN = 1000
MOST_REFUSED, MOST_COMPUTED = 4, 1
MOST_ELEMENTS = 60


def main(path):
    """Writes a part of the answers in a file."""
    with open(path, "rb") as file:
        answers = pickle.load(file)
    store, kept, counts = Store(), [], {}
    for spoilt in chosen_calls(MOST_DRAWN):
        found = [answers.get((spoilt.spoilt, mode)) for mode in ("eager", "known", "unknown")]
        if None in found or any(len(answer) == 1 for answer in found) or is_huge(spoilt):
            continue
        kind = found[0][0]
        if kind == "computed" and not is_small(found[0][1]):
            continue
        most = MOST_REFUSED if kind == "error" else MOST_COMPUTED
        counts[spoilt.op, kind] = counts.get((spoilt.op, kind), 0) + 1
        if counts[spoilt.op, kind] <= most:
            kept.append(entry_of(spoilt, found, store))
    np.savez_compressed(TARGET, calls=json.dumps(kept), **store.by_type())
    print(len(kept), "calls,", TARGET.stat().st_size, "bytes")


def is_huge(spoilt):
    """Whether a call asks for sizes that one machine has the memory for and another not."""
    return any(abs(number) > 2**30 and str(number) in spoilt.spoilt for number in HUGE)


def is_small(outputs):
    """Whether outputs are few enough to be kept, and of types that a file of arrays holds."""
    return all(
        isinstance(a, np.ndarray) and a.size <= MOST_ELEMENTS and a.dtype != object for a in outputs
    )


def entry_of(spoilt, found, store):
    """Returns what is written of a call: for each mode the class of the error, or the outputs; what variables hold."""
    entry = {"op": spoilt.op, "call": spoilt.spoilt}
    if found[0][0] == "error":
        entry["refused"] = [answer[1] if answer[0] == "error" else None for answer in found]
    else:
        entry["outputs"] = [store.put(array) for array in found[0][1]]
    entry["variables"] = [store.put(array) for array in found[0][-1]]
    return entry


if __name__ == "__main__":
    main(sys.argv[1])
