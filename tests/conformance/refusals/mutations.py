"""Recorded calls, each spoilt in one place: another rank or extent of an input, other numbers in it."""

import zlib

import numpy as np

from tests.conformance.record import TARGET, array_at, load

HUGE = (7, 2**31 - 1, 2**40, -1, -2, -7, -(2**31), 0)


class Call:
    """A call of a raw op, with what was spoilt; `variables` are its first inputs where it works on variables."""

    def __init__(self, op, attrs, inputs, variables, spoilt):
        self.op, self.attrs, self.inputs = op, attrs, inputs
        self.variables, self.spoilt = variables, spoilt

    @property
    def seed(self):
        """A number that the call alone decides."""
        return zlib.crc32(f"{self.op} {self.spoilt}".encode())


def base_calls():
    """Yields (number, entry, inputs, variables) of every recorded call."""
    calls, store = load(TARGET)
    for number, entry in enumerate(calls):
        inputs = [array_at(store, name) for name in entry["inputs"]]
        variables = None
        if "variables" in entry:
            variables = [array_at(store, name) for name in entry["variables"]]
        yield number, entry, inputs, variables


def spoilt_calls():
    """Yields every spoilt form of every recorded call."""
    for number, entry, inputs, variables in base_calls():
        for place, _ in enumerate(inputs):
            for what, changed in spoilt_inputs(inputs, place):
                name = f"{number}/{place}/{what}"
                yield Call(entry["op"], entry["attrs"], changed, variables, name)


def chosen_calls(most):
    """Returns so many spoilt calls of each op, the same each time."""
    by_op = {}
    for spoilt in spoilt_calls():
        by_op.setdefault(spoilt.op, []).append(spoilt)
    return [c for calls in by_op.values() for c in sorted(calls, key=lambda c: c.seed)[:most]]


def spoilt_inputs(inputs, place):
    """Yields (what was done, inputs) with one input spoilt; of a list its last part."""
    value = inputs[place]
    part = value[-1] if isinstance(value, list) else value
    for what, array in spoilt_arrays(part):
        changed = list(inputs)
        changed[place] = [*value[:-1], array] if isinstance(value, list) else array
        yield what, changed


def spoilt_arrays(array):
    """Yields (what was done, array) for one array."""
    for axis, extent in enumerate(array.shape):
        if extent:
            yield f"axis {axis} without the last", np.take(array, range(extent - 1), axis)
            doubled = np.concatenate([array, np.take(array, [0], axis)], axis)
            yield f"axis {axis} with one more", doubled
            if extent > 1:
                yield f"axis {axis} empty", np.take(array, [], axis)
    yield "an axis more", array[None]
    if array.ndim:
        yield "an axis more behind", array[..., None]
    if array.ndim and array.shape[0]:
        yield "an axis less", np.asarray(array[0])
    if array.ndim > 1 and array.size:
        yield "no axes", np.asarray(array.reshape(-1)[0])
    if array.size:
        yield from spoilt_numbers(array)


def spoilt_numbers(array):
    """Yields (what was done, array) with the first or last number changed."""
    kind = array.dtype.kind
    if kind in "iu":
        limits = np.iinfo(array.dtype)
        for number in HUGE:
            if limits.min <= number <= limits.max:
                yield f"first {number}", with_number(array, 0, number)
                if array.size > 1:
                    yield f"last {number}", with_number(array, -1, number)
        if array.size > 1:
            yield "last as first", with_number(array, -1, array.reshape(-1)[0])
    elif kind in "fcV":
        for number in (
            np.nan,
            np.inf,
            -np.inf,
            0.0,
            -1.0,
            1e30 if array.dtype.itemsize > 2 else 6e4,
        ):
            yield f"first {number}", with_number(array, 0, number)


def with_number(array, place, number):
    """Returns a copy with one number changed."""
    changed = array.copy()
    changed.reshape(-1)[place] = number
    return changed
