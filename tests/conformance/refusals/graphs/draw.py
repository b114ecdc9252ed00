"""Calls of raw ops on placeholders of drawn ranks, extents and attributes, and what a module answers to them.

    python -m tests.conformance.refusals.graphs.draw tensorflow FILE

draws calls of all ops of TensorFlow and writes one JSON line for each op: [[call, answer], ...]. A call is [op, attributes,
inputs]; an answer the shapes of the outputs, or the class of the error. Ops that end the process are left out: a child draws
each part of the ops.
"""

import gzip
import importlib
import json
import os
import pathlib
import random
import subprocess
import sys
import zlib

DEFINITIONS = pathlib.Path(__file__).parents[3] / "parity" / "op_defs.json.gz"
NAMES = {"float": "float32", "double": "float64", "half": "float16"}
PREFERRED = ("float", "int32", "int64", "string", "bool", "quint8", "qint32", "uint8", "variant")
HIGHEST_RANK = 5
DRAWS = 70
LIMIT_S = 90


def answer(tf, call):
    """Returns the shapes of the outputs of a call, or the class of its error."""
    op, attrs, inputs = call
    with tf.Graph().as_default():
        values = [(name, placed(tf, spec)) for name, spec in inputs]
        made = getattr(tf.raw_ops, op)
        parameters = list(made.__signature__.parameters)
        known = {name: attribute(tf, value) for name, value in attrs.items()}
        taken = {*known, *(name for name, _ in inputs), "name"}
        others = [name for name in parameters if name not in taken]
        arguments = {n: v for n, v in known.items() if n in parameters}
        for name, value in values:
            arguments[name if name in parameters else others.pop(0)] = value
        try:
            outputs = made(**arguments)
        except Exception as error:
            return type(error).__name__
        flat = tf.nest.flatten([] if outputs is None else outputs)
        shapes = [out.shape for out in flat if hasattr(out, "dtype")]
        return [None if s.rank is None else s.as_list() for s in shapes]


def placed(tf, spec):
    """Returns the tensor of an input, or the list of tensors."""
    kind, *rest = spec
    if kind == "list":
        return [placed(tf, part) for part in rest[0]]
    dtype, shape = tf.as_dtype(NAMES.get(rest[0], rest[0])), rest[1]
    if kind == "constant":
        return tf.constant(shape, dtype)
    if kind == "variable":
        return tf.raw_ops.VarHandleOp(dtype=dtype, shape=shape)
    if kind == "reference":
        return tf.raw_ops.VariableV2(dtype=dtype, shape=shape)
    return tf.compat.v1.placeholder(dtype, shape)


def attribute(tf, value):
    """Returns the value of an attribute; dtypes are written {"dtype": name}."""
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == "dtype":
        return tf.as_dtype(NAMES.get(held, held))
    return [tf.as_dtype(NAMES.get(name, name)) for name in held]


class Drawer:
    """Draws calls of an op; ranks that TensorFlow takes are drawn more often."""

    def __init__(self, tf, op, definition):
        self.tf, self.op, self.definition = tf, op, definition
        self.random = random.Random(zlib.crc32(op.encode()))
        self.found = []

    def draw(self):
        """Returns pairs of calls and answers."""
        plain = self.attributes(True)
        if plain is None:
            return []
        for turn in range(12):
            attrs = plain if turn == 0 else self.attributes(False)
            if not isinstance(self.ask(attrs, {}), str):
                plain = attrs
                break
        names = [entry["n"] for entry in self.definition["in"]]
        allowed = {name: [] for name in names}
        for name in names:
            for rank in range(HIGHEST_RANK + 1):
                if not isinstance(self.ask(plain, {name: rank}), str):
                    allowed[name].append(rank)
        for turn in range(DRAWS):
            ranks = {name: self.rank(allowed[name]) for name in names}
            self.ask(plain if turn % 2 else self.attributes(False), ranks, True)
        return self.found

    def rank(self, allowed):
        chance = self.random.random()
        if chance < 0.12:
            return None
        if chance < 0.2 or not allowed:
            return self.random.randrange(HIGHEST_RANK + 1)
        return self.random.choice([rank for rank in allowed if rank < 4] or allowed)

    def ask(self, attrs, ranks, constants=False):
        """Adds the answer to a call with inputs of these ranks; None is an unknown one."""
        inputs = [
            [e["n"], self.input(e, attrs, ranks.get(e["n"]), constants)]
            for e in self.definition["in"]
        ]
        call = [self.op, attrs, inputs]
        self.found.append([call, answer(self.tf, call)])
        return self.found[-1][1]

    def input(self, entry, attrs, rank, constants):
        if entry.get("tl"):
            types = attrs[entry["tl"]]["dtypes"]
            return ["list", [self.tensor(entry, attrs, name, rank, constants) for name in types]]
        dtype = entry.get("t") or attrs[entry["ta"]]["dtype"]
        if entry.get("na"):
            count = attrs[entry["na"]]
            return [
                "list",
                [self.tensor(entry, attrs, dtype, rank, constants) for _ in range(count)],
            ]
        return self.tensor(entry, attrs, dtype, rank, constants)

    def tensor(self, entry, attrs, dtype, rank, constants):
        choose = self.random.choice
        if entry.get("ref"):
            return ["reference", dtype, self.dims(choose((0, 1, 2)) if rank is None else rank)]
        held = attrs.get("dtype", attrs.get("T"))
        if dtype == "resource" and held and self.random.random() < 0.8:
            return ["variable", held["dtype"], self.dims(choose((None, 0, 1, 2, 2, 3)))]
        if (
            constants
            and dtype in ("int32", "int64")
            and rank in (0, 1)
            and self.random.random() < 0.45
        ):
            numbers = [choose((-1, 0, 1, 1, 2, 2, 3)) for _ in range(choose((0, 1, 2, 3, 4)))]
            return ["constant", dtype, numbers if rank else choose((-1, 0, 1, 2, 3))]
        return ["placeholder", dtype, self.dims(rank)]

    def dims(self, rank):
        extents = (None, 1, 2, 2, 2, 3, 3)
        return None if rank is None else [self.random.choice(extents) for _ in range(rank)]

    def attributes(self, plain):
        """Returns values of all attributes; None if the op takes functions or tensors as attributes."""
        attrs = {}
        for entry in self.definition["attr"]:
            if entry["t"] in ("func", "list(func)", "tensor", "placeholder"):
                return None
            attrs[entry["n"]] = self.value(entry, plain)
        for entry in self.definition["in"]:
            if entry.get("na"):
                least = next(
                    a.get("min", 1) for a in self.definition["attr"] if a["n"] == entry["na"]
                )
                attrs[entry["na"]] = max(least, self.random.choice((1, 2, 2, 3)))
        return attrs

    def value(self, entry, plain):
        kind, choose, allowed = entry["t"], self.random.choice, entry.get("av")
        least = entry.get("min", 0)
        if kind == "type":
            if "d" in entry and (plain or self.random.random() < 0.8):
                return {"dtype": entry["d"]}
            return {
                "dtype": next(
                    (n for n in PREFERRED if n in (allowed or PREFERRED)), (allowed or ["float"])[0]
                )
            }
        if kind == "list(type)":
            names = [n for n in allowed or ["float", "int32"] if n in PREFERRED] or allowed
            return {"dtypes": [choose(names) for _ in range(max(least, choose((1, 1, 2))))]}
        if "d" in entry and (plain or self.random.random() < 0.65):
            return entry["d"]
        drawn = {
            "int": lambda: max(least or 2, 1) if plain else choose((-1, 0, 1, 2, 2, 3)),
            "bool": lambda: choose((True, False)),
            "float": lambda: choose((0.0, -1.0, 0.5, 2.0)),
            "string": lambda: choose(allowed or ["x"]),
            "shape": lambda: self.dims(choose((None, 0, 1, 2, 3))),
            "list(shape)": lambda: [self.dims(choose((None, 0, 1, 2))) for _ in range(choose((0, 1, 1, 2)))],
            "list(int)": lambda: [choose((1, 1, 2)) for _ in range(choose((4, 4, 5, 3, 2, 1, 0)))],
            "list(float)": lambda: [1.0] * choose((0, 1, 2, 3)),
            "list(bool)": lambda: [True] * choose((0, 1, 2, 3)),
            "list(string)": lambda: ["x"] * choose((0, 1, 2, 3)),
        }  # fmt: skip
        return drawn[kind]()


def definitions():
    """Returns TensorFlow's definitions of ops, by name."""
    found = json.loads(gzip.decompress(DEFINITIONS.read_bytes()))
    return {op: entry for op, entry in found.items() if not op.startswith("_")}


def part(module, start, path):
    """Draws calls of the ops from one number on; the number of the op at hand is on the standard output."""
    import faulthandler

    tf, found = importlib.import_module(module), definitions()
    for number, op in enumerate(sorted(found)):
        if number < start or not hasattr(tf.raw_ops, op):
            continue
        print(number, flush=True)
        faulthandler.dump_traceback_later(LIMIT_S, exit=True)
        drawn = Drawer(tf, op, found[op]).draw()
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(drawn) + "\n")


def main(module, path):
    """Draws calls of all ops, in a new process after an op that ended the last one."""
    pathlib.Path(path).unlink(missing_ok=True)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    start, ended = 0, True
    while ended:
        command = [sys.executable, "-m", __spec__.name, "part", module, str(start), path]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
        ended = done.returncode != 0
        start = int(done.stdout.split()[-1]) + 1


if __name__ == "__main__":
    if sys.argv[1] == "part":
        part(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main(*sys.argv[1:])
