"""Spoilt calls: what TensorFlow refuses is refused, eagerly and compiled, and variables hold what they held.

`apart.json` names the calls that differ, in groups with the reason; a call that is no longer among them, or not yet, is an
error.
"""

import json
import pathlib

import numpy as np
import pytest

import penstock as tf
from penstock._src.util.flags import override
from tests.conformance.record import array_at, load
from tests.conformance.refusals.answers import MODES, answer
from tests.conformance.refusals.mutations import spoilt_calls
from tests.conformance.refusals.record import TARGET

RECORDED, STORE = load(TARGET)
OF_OPS = {}
for recorded in RECORDED:
    OF_OPS.setdefault(recorded["op"], []).append(recorded)
OPS = sorted(OF_OPS)
GROUPS = json.loads(pathlib.Path(__file__).with_name("apart.json").read_text())
APART = {name: said for group in GROUPS for name, said in group["calls"].items()}
TOLERANCE = {"bfloat16": 3e-2, "float16": 1e-2, "float32": 2e-4}


@pytest.fixture(scope="module")
def calls():
    names = {entry["call"] for entry in RECORDED}
    return {call.spoilt: call for call in spoilt_calls() if call.spoilt in names}


@pytest.mark.parametrize("op", OPS)
def test_op(op, calls):
    found = {}
    for entry in OF_OPS[op]:
        for at, mode in enumerate(MODES):
            differs = difference(entry, at, calls[entry["call"]])
            if differs:
                found[f"{entry['call']} {mode}"] = differs
    names = {f"{entry['call']} {mode}" for entry in OF_OPS[op] for mode in MODES}
    assert found == {name: said for name, said in APART.items() if name in names}


def difference(entry, at, call):
    """How our answer differs from TensorFlow's, or None. Programs are interpreted: what is refused never reaches kernels."""
    with override(device="reference"):
        ours = answer(tf, call, MODES[at])
    if "refused" not in entry:
        if ours[0] == "error":
            return f"refused: {ours[1]}"
        wanted = [array_at(STORE, name) for name in entry["outputs"]]
        return None if all(map(close, ours[1], wanted)) else "other numbers"
    # TensorFlow's graphs may drop what would refuse, and its shape functions refuse earlier than kernels.
    wanted = entry["refused"][at] or entry["refused"][0]
    if ours[0] != "error":
        return f"computed, not {wanted}"
    if ours[1] not in (wanted, entry["refused"][0]):
        return f"{ours[1]}, not {wanted}"
    held = [array_at(STORE, name) for name in entry["variables"]]
    return None if all(map(close, ours[-1], held)) else "variables changed"


def close(made, wanted):
    if not isinstance(made, np.ndarray) or made.shape != wanted.shape or made.dtype != wanted.dtype:
        return False
    if made.dtype.kind in "iubS":
        return np.array_equal(made, wanted)
    tolerance = TOLERANCE.get(made.dtype.name, 1e-9)
    if made.dtype.kind == "c":  # an infinite part says nothing of the other
        return all(close(getattr(made, part), getattr(wanted, part)) for part in ("real", "imag"))
    made, wanted = made.astype(np.float64), wanted.astype(np.float64)
    size = np.abs(wanted[np.isfinite(wanted)]).max(initial=1)
    return np.allclose(made, wanted, tolerance, tolerance * size, equal_nan=True)
