"""Every way to compute a call, beside the eager one: native and large eager calls, functions, the interpreter of primitives.

    python -m tests.conformance.edges.cells            runs all cells and prints the table; --write puts it into docs/robustness.md
    python -m tests.conformance.edges.cells Rsqrt Log  those of some ops, with all that differ

A cell is a call on inputs of some types, in one form, computed in one way. Calls are the functions of `calls.py` where
numbers end, and the drawn calls of `recorded.npz`, also with ends of their types among the data, and without elements along
axes of one extent (if eager calls refuse these, all ways must). Forms are the arrays as
they are, no elements, single numbers, arrays with gaps between the elements, and arrays of the other byte order. A cell
agrees if it gives what the eager kernel gives for the plain arrays, except for denormal numbers, which are zeros to
compiled code (docs/accuracy.md). `cells_apart.json` tells where how many numbers may differ, and why.
"""

import collections
import contextlib
import itertools
import json
import pathlib
import sys

import numpy as np

import penstock as tf
from penstock._src.core import registry
from penstock._src.eager import execute
from penstock._src.eager.compiled import run_compiled
from penstock._src.ops.native_forms import may_be_quick
from penstock._src.util.flags import override
from penstock._src.util.process.layout_samples import admits_native_calls
from tests.conformance.calling import call
from tests.conformance.draws.values import laid_out
from tests.conformance.edges.calls import Edge, edges
from tests.conformance.edges.record import TOLERANCE, differs
from tests.conformance.edges.values import denormal
from tests.conformance.record import TARGET, array_at, load

TOGETHER = 12  # functions of equal inputs that are compiled as one
SINGLE = (0, 1, 3, 4)  # places of the numbers that are tried alone
IN_FUNCTIONS = {"compiled": {"check": False}, "reference": {"device": "reference"}}
WAYS = ("eager", "native", "large", *IN_FUNCTIONS)
DRAWN = ("call", "ends", "none")  # second words of the names of drawn calls
PAGE = pathlib.Path(__file__).parents[3] / "docs" / "robustness.md"
BEGIN, END = "<!-- cells: begin -->", "<!-- cells: end -->"
APART = {
    (name, way): count
    for group in json.loads(pathlib.Path(__file__).with_name("cells_apart.json").read_text())
    for name, count in group["functions"].items()
    for way in group["ways"]
}


# -- calls -----------------------------------------------------------------------------------------


def drawn():
    """Yields the recorded calls of ops without state, as functions of their flat inputs."""
    calls, store = load(TARGET)
    for place, entry in enumerate(calls):
        if "variables" in entry or registry.find(entry["op"]).stateful:
            continue
        inputs = [array_at(store, name) for name in entry["inputs"]]
        sizes = [len(value) if isinstance(value, list) else None for value in inputs]

        def run(tf, *tensors, entry=entry, sizes=sizes):
            left = iter(tensors)
            values = [next(left) if n is None else [next(left) for _ in range(n)] for n in sizes]
            return call(tf, entry["op"], values, entry["attrs"])

        arrays = [a for value in inputs for a in (value if isinstance(value, list) else [value])]
        yield Edge(f"{entry['op']} call {place}", run, arrays, False)
        ends = [
            with_ends(a, kind)
            for a, kind in zip(arrays, data_kinds(entry["op"], sizes), strict=True)
        ]
        if any(end is not a for end, a in zip(ends, arrays, strict=True)):
            yield Edge(f"{entry['op']} ends {place}", run, ends, False)
        for extent in sorted({extent for a in arrays for extent in a.shape} - {0}):
            shapes = [[0 if n == extent else n for n in a.shape] for a in arrays]
            none = [
                np.zeros(shape, a.dtype) if 0 in shape else a
                for shape, a in zip(shapes, arrays, strict=True)
            ]
            yield Edge(f"{entry['op']} none {place} {extent}", run, none, False)


def data_kinds(op, sizes):
    """For each flat input of an op, whether it has data of any type: no sizes, places or seeds."""
    cls = registry.find(op)
    found = []
    for argument, size in zip(cls.inputs, sizes, strict=False):
        allowed = cls.traits.type_sets.get(argument.type_attr)
        is_data = argument.type_attr is not None and (allowed is None or tf.float32 in allowed)
        found += [is_data] * (1 if size is None else size)
    return found


def with_ends(array, is_data):
    """The array with ends of its type in some places: infinities, NaN and -0, or the least and largest integers."""
    kind = array.dtype.kind
    if not is_data or not array.size or kind not in "iufcV":
        return array
    if kind in "iu":
        ends = [np.iinfo(array.dtype).min, np.iinfo(array.dtype).max]
    else:
        ends = [np.nan, np.inf, -0.0, -np.inf]
    made = array.copy()
    made.reshape(-1)[::3] = np.resize(np.array(ends, array.dtype), made.reshape(-1)[::3].shape)
    return made


def batches(names=(), share=1):
    """Yields functions of equal inputs, some at a time: one of so many batches, or those of some ops."""
    chosen = [e for e in (*edges(), *drawn()) if not names or set(e.name.split()) & set(names)]
    alike = itertools.groupby(chosen, inputs_of)
    groups = [list(group) for _, group in alike]
    found = [g[at : at + TOGETHER] for g in groups for at in range(0, len(g), TOGETHER)]
    for batch in found[::share]:
        if batch := [edge for edge in batch if runs(edge)]:
            yield batch


def inputs_of(edge):
    """What functions that are compiled as one have in common."""
    arrays = [(a.dtype.name, a.shape, a.tobytes()) for a in edge.inputs]
    return [edge.name, arrays] if is_refused(edge) else arrays


def runs(edge):
    """True if there is an eager kernel for the types of a function's inputs, or the call must fail in all ways."""
    return is_refused(edge) or not isinstance(attempt(values_of, edge, edge.inputs), Exception)


def is_refused(edge):
    """True if a call of arrays without elements may be refused, in all ways."""
    return edge.name.split()[1] == "none"


def forms(edge):
    """Yields the forms of a function's inputs: (name, arrays, the place in a plain result that they give)."""
    yield "plain", edge.inputs, ...
    if is_refused(edge):
        return
    yield "gaps", [laid_out(a, "stepped") for a in edge.inputs], ...
    yield "swapped", [swapped(a) for a in edge.inputs], ...
    if edge.by_element:
        yield "empty", [a[:0] for a in edge.inputs], slice(0)
        for at in SINGLE:
            if at < len(edge.inputs[0]):
                yield "number", [a[at] for a in edge.inputs], at


def swapped(array):
    """Returns an equal array of the other byte order, if its type has one."""
    if array.dtype.kind not in "iufc" or array.dtype.itemsize == 1:
        return array
    return array.astype(array.dtype.newbyteorder("S"))


# -- ways ------------------------------------------------------------------------------------------


def values_of(edge, arrays):
    """Returns what a function gives eagerly."""
    return [np.asarray(t.numpy()) for t in tf.nest.flatten(edge.run(tf, *map(tf.constant, arrays)))]


@contextlib.contextmanager
def kernel_of(edge, tensors):
    """The kernel that an op's call binds, None if the function is of several ops; what is bound and native is as before, afterwards."""
    cls = registry.lookup(edge.name.split()[0])
    if cls is None:
        yield None
        return
    kept = cls.quick_forms, cls.quick, dict(cls.bound)
    cls.bound.clear()
    try:
        edge.run(tf, *tensors)
        yield next(iter(cls.bound.values()), None)
    finally:
        cls.quick_forms, cls.quick = kept[:2]
        cls.bound.update(kept[2])
        for scope in cls.scopes:
            scope["quick"] = cls.quick


def natively(edge, arrays):
    """Returns what native code gives for an op's call, None if it leaves the call to Python."""
    tensors = list(map(tf.constant, arrays))
    with kernel_of(edge, tensors) as kernel:
        if kernel is None or not (may_be_quick(kernel) and admits_native_calls()):
            return None
        cls = type(kernel.op)
        cls.quick_forms = ()
        execute._make_quick(kernel)
        found = cls.quick(kernel.attributes, *tensors)
    return None if found is None else [np.asarray(t.numpy()) for t in tf.nest.flatten(found)]


def as_large(edge, arrays):
    """Returns what the program for large eager calls gives for an op's call, None if calls of the op are never compiled."""
    tensors = list(map(tf.constant, arrays))
    if not tensors or max(np.size(arrays[0]), np.size(arrays[-1])) < 2:
        return None  # the first and the last decide whether a call is large
    with kernel_of(edge, tensors) as kernel:
        if kernel is None or not kernel.compiles_from or len(kernel.types) != len(tensors):
            return None
        with override(check=False):
            found = run_compiled(kernel.op, [t._value for t in tensors])
    return list(map(np.asarray, found if isinstance(found, tuple) else [found]))


class InFunction:
    """Functions of equal inputs as one traced function, for vectors of any length or for numbers."""

    def __init__(self, batch, flags):
        self.batch, self.flags = batch, flags
        self.function = tf.function(self._run, autograph=False)
        self.traced = {}

    def _run(self, *tensors):
        return {e.name: tf.nest.flatten(e.run(tf, *tensors)) for e in self.batch}

    def values(self, arrays):
        """Returns {name: results} of the functions."""
        key = tuple((a.ndim, a.dtype.newbyteorder("=").name) for a in map(np.asarray, arrays))
        with override(**self.flags):
            if key not in self.traced:
                by_element = all(edge.by_element for edge in self.batch)
                specs = [
                    tf.TensorSpec(
                        [None] * len(a.shape) if by_element else a.shape, tf.constant(a).dtype
                    )
                    for a in map(np.asarray, arrays)
                ]
                self.traced[key] = self.function.get_concrete_function(*specs)
            found = self.traced[key](*arrays)
        return {name: [np.asarray(t.numpy()) for t in made] for name, made in found.items()}


# -- judging ---------------------------------------------------------------------------------------


class Cell:
    """What came of a call in a form, computed in a way: how many numbers differ from the eager ones, and where, or an error."""

    def __init__(self, edge, form, way, found, wanted, at):
        self.edge, self.form, self.way = edge, form, way
        self.error = found if isinstance(found, Exception) else None
        if isinstance(wanted, Exception):
            self.places, self.count = [], int(self.error is None)
            return
        wanted = [value[at] for value in wanted]
        same = self.error is None and len(found) == len(wanted)
        self.places = [differing(edge, at, *pair) for pair in zip(found, wanted)] if same else []  # noqa: B905
        self.count = sum(int(p.sum()) for p in self.places) if same else 1

    @property
    def allowed(self):
        """How many numbers may differ."""
        ways = ("large", "compiled") if self.way == "large" else (self.way,)  # the same code
        return max(APART.get((self.edge.name, way), 0) for way in ways)

    @property
    def family(self):
        """The folder of the op; "functions" for those that are made of several ops."""
        op = self.edge.name.split()[0]
        return registry.index()[op].split(".")[3] if registry.lookup(op) else "functions"

    def __str__(self):
        what = (
            repr(self.error) if self.error else [np.argwhere(p)[:8].tolist() for p in self.places]
        )
        return f"{self.edge.name}, {self.form}, {self.way}: {self.count} differ, {self.allowed} may: {what}"[
            :300
        ]


def cells(batch):
    """Yields the cells of functions of equal inputs."""
    wanted = {edge.name: attempt(values_of, edge, edge.inputs) for edge in batch}
    functions = {way: InFunction(batch, changed) for way, changed in IN_FUNCTIONS.items()}
    for form, arrays, at in forms(batch[0]):
        together = {way: attempt(f.values, arrays) for way, f in functions.items()}
        for edge in batch:
            found = {
                "native": attempt(natively, edge, arrays),
                "large": attempt(as_large, edge, arrays),
            }
            if form != "plain":
                found["eager"] = attempt(values_of, edge, arrays)
            for way, results in together.items():
                found[way] = results if isinstance(results, Exception) else results[edge.name]
            for way, results in found.items():
                if results is not None:
                    yield Cell(edge, form, way, results, wanted[edge.name], at)


def attempt(run, *arguments):
    """Returns what comes of a call, an error included."""
    try:
        return run(*arguments)
    except Exception as error:
        return error


def differing(edge, at, made, wanted):
    """Where a result differs from the eager one."""
    wanted = np.asarray(wanted)
    if made.dtype != wanted.dtype or made.shape != wanted.shape:
        return np.ones(1, bool)
    if made.dtype == object:
        return np.array([made.tolist() != wanted.tolist()])
    found = differs(made, wanted)
    if edge.by_element:
        for array in edge.inputs:
            found &= ~denormal(array)[at]
    elif edge.name.split()[1] in DRAWN and made.dtype.kind not in "iub":
        # Sums are added up in another order.
        slack = max(TOLERANCE.get(a.real.dtype.name, 0) for a in (*edge.inputs, made))
        found &= ~(np.abs(made.astype(complex) - wanted.astype(complex)) <= slack)
    return found


# -- the table -------------------------------------------------------------------------------------


def table(ran):
    """The table of {(family, way): [cells, those that agree]}."""
    lines = ["| ops | " + " | ".join(WAYS) + " |", "|---" * (1 + len(WAYS)) + "|"]
    for family in [*sorted({family for family, _ in ran}), "all"]:
        counts = []
        for way in WAYS:
            of = [n for (f, w), n in ran.items() if w == way and family in (f, "all")]
            every, agree = (sum(n[i] for n in of) for i in (0, 1))
            apart = f", {every - agree:,} apart" if every > agree else ""
            counts.append(f"{every:,}{apart}" if every else "")
        lines.append(f"| {family} | " + " | ".join(counts) + " |")
    return "\n".join(lines)


def write(text):
    """Puts the table into the page."""
    page = PAGE.read_text()
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    PAGE.write_text(f"{page[:start]}\n{text}\n{page[end:]}")


def main(arguments):
    """Runs cells, prints those that differ by more than is known, and the table; returns how many of these there are."""
    names = [argument for argument in arguments if argument != "--write"]
    ran, wrong, met = collections.defaultdict(lambda: [0, 0]), 0, set()
    for batch in batches(names):
        for cell in cells(batch):
            counts = ran[cell.family, cell.way]
            counts[0] += 1
            counts[1] += not cell.count
            if cell.count:
                met.add((cell.edge.name, cell.way))
            if names and cell.count or cell.count > cell.allowed:
                print(cell, flush=True)
            wrong += cell.count > cell.allowed
    print(table(ran))
    print(f"{wrong} differ by more than is known")
    if not names and set(APART) - met:
        print("known to differ, but agree:", sorted(set(APART) - met))
    if "--write" in arguments:
        write(table(ran))
    return wrong


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        sys.exit(main(sys.argv[1:]) > 0)
