"""Records every operation of a program's compiled functions on TensorFlow 2, for `penstock diff` and `penstock replay`.

    python record_tf.py [--last N] FOLDER PROGRAM ...        or: -m MODULE ...

It needs TensorFlow, and nothing of Penstock's; on Penstock it records by `tf.debugging.recording`. In a program of one's own:

    import record_tf
    with record_tf.recording("folder", last=3):
        step(x)                            # functions that are traced in the block

Each operation of a function passes its results to a host step while the function runs. So they are the values of that run, computed by TensorFlow's kernels; operations
are not fused with others, as they are without a recorder, and XLA is left out (`jit_compile`). Functions of datasets, and of the threads of strategies, are not recorded.

A folder holds what `penstock/_src/observe/recordings/files.py` says, and in each run's file the values of its operations in the order of execution.
"""

import argparse
import collections
import contextlib
import functools
import importlib
import importlib.util
import inspect
import json
import os
import re
import runpy
import sys
import zipfile

import numpy as np

HERE = os.path.abspath(__file__)
STEP = "penstock_recorder"  # names the host steps
LIBRARIES = ("tensorflow", "keras", "tf_keras", "numpy", "optree", "absl")
PLUMBING = (f"{os.sep}functools.py", f"{os.sep}contextlib.py", f"{os.sep}runpy.py", "<frozen")
NOT_RECORDED = ("NoOp", "Assert", "Placeholder")


class Run:
    """One run of a function: what it began with, what its operations computed, and its results."""

    def __init__(self, function, label, number, inputs):
        self.function, self.label, self.number, self.inputs = function, label, number, inputs
        self.values = []  # (graph, name of the operation, {number of the output: array})
        self.results = []


class Recorder:
    """Keeps the last runs of each function."""

    def __init__(self, tf, last):
        self.tf, self.last = tf, last
        self.counts = collections.Counter()
        self.rings = {}
        self.current = None
        self.is_paused = False
        self.frames = {}  # graph -> the frames of the program that made its operations
        self.names = collections.defaultdict(dict)  # graph -> {(operation, output): name}

    # -- while functions are traced

    def traced(self, kind, inputs, attributes, outputs, op_name=None, graph=None):
        """Adds a host step behind an operation of a function: the callback of TensorFlow."""
        tf = self.tf
        if graph is None or not getattr(graph, "building_function", False) or self.is_paused:
            return
        if graph.name.startswith("loop_body") or kind in NOT_RECORDED:  # pfor has no rule for steps
            return
        if kind == "Identity" and is_result():
            return
        self.watch_names(graph)
        skipped, op_name = (tf.resource, tf.variant), outputs[0].op.name if outputs else op_name
        numbers = [n for n, t in enumerate(outputs) if t.dtype.base_dtype not in skipped]
        if not numbers or not isinstance(outputs[0], tf.Tensor):
            return

        def keep(*arrays):
            if self.current is not None:
                kept = {n: np.array(a) for n, a in zip(numbers, arrays)}
                self.current.values.append((graph, op_name, kept))

        with graph.as_default():
            tf.numpy_function(keep, [outputs[n] for n in numbers], [], name=STEP)

    def watch_names(self, graph):
        """Takes the names of tensors in the frame of the program that makes an operation."""
        frame = sys._getframe(1)
        while frame is not None and not is_users(frame.f_code.co_filename):
            frame = frame.f_back
        if frame is not None:
            self.frames.setdefault(graph, {})[id(frame)] = frame
            self.take_names(frame)

    def take_names(self, frame):
        """Collects the names of variables of a frame that hold tensors of graphs."""
        for name, value in list(frame.f_locals.items()):
            graph = getattr(value, "graph", None) if isinstance(value, self.tf.Tensor) else None
            if graph is not None and not name.startswith(("ag__", ".")):
                self.names[graph].setdefault((value.op.name, value.value_index), name)

    # -- while functions run

    def call(self, original, function, tensors, captured):
        """Runs a function; keeps what it computes, if no other run is kept now."""
        if self.current is not None or not self.tf.executing_eagerly():
            return original(function, tensors, captured)
        label = re.sub(r"^__(?:inference|forward|backward)_(.+)_\d+$", r"\1", text(function.name))
        inputs = [self.input(value) for value in (*tensors, *captured)]
        run = Run(function, label, self.counts[label], inputs)
        self.counts[label] += 1
        self.rings.setdefault(label, collections.deque(maxlen=self.last)).append(run)
        self.current = run
        try:
            results = original(function, tensors, captured)
            flat = self.tf.nest.flatten(results, expand_composites=True)
            run.results = [self.array(value) for value in flat if value is not None]
            for entry in inputs:
                if "handle" in entry:
                    entry["after"] = self.input(entry["handle"])["value"]
            return results
        finally:
            self.current = None

    def input(self, value):
        """The description of a function's input: the value of a variable, an array, or None for other resources."""
        if value.dtype != self.tf.resource:
            return {"value": self.array(value)}
        data = getattr(value, "_handle_data", None)
        if data is None or not data.is_set:  # an iterator or a table
            return {"value": None}
        dtype = self.tf.as_dtype(data.shape_and_type[0].dtype)
        read = self.tf.raw_ops.ReadVariableOp(resource=value, dtype=dtype)
        return {"value": np.array(read), "handle": value}

    def array(self, value):
        """A value as an array; None if it can't be converted."""
        if value.dtype in (self.tf.resource, self.tf.variant):
            return None
        return np.array(value)


def is_result():
    """True if an operation is made for a result of a function, which follows on all its host steps."""
    frame, name = sys._getframe(2), "mark_as_return"
    for _ in range(20):
        if frame is None or frame.f_code.co_name == name:
            return frame is not None
        frame = frame.f_back
    return False


def text(name):
    """A name as a string."""
    return name.decode() if isinstance(name, bytes) else name


@functools.cache
def is_users(file):
    """True if a file belongs to the program, as written or as converted by AutoGraph."""
    if file == HERE or any(part in file for part in PLUMBING):
        return False
    return not any(f"{os.sep}{name}{os.sep}" in file for name in LIBRARIES)


# -- the folder


class Folder:
    """Writes runs and their functions."""

    def __init__(self, tf, path, recorder):
        self.tf, self.path, self.recorder = tf, path, recorder
        self.functions = {}  # name -> (number, {id of a graph: its name})

    def write(self):
        """Writes the whole recording; the index comes last."""
        os.makedirs(self.path, exist_ok=True)
        entries = []
        for run in (run for ring in self.recorder.rings.values() for run in ring):
            number, names = self.function(run.function)
            file = f"run-{len(entries)}.zip"
            self.run(file, run, names)
            entry = {"label": run.label, "step": run.number, "file": file, "function": number}
            entries.append(entry)
        library = {"name": "TensorFlow", "version": self.tf.__version__}
        self.json("recording.json", {"runs": entries, "library": library})

    def json(self, name, value):
        """Writes a file of JSON."""
        with open(os.path.join(self.path, name), "w", encoding="utf-8") as file:
            json.dump(value, file)

    def function(self, function):
        """Writes a function once: its definition and those that it calls, the lines of operations, names."""
        outer = function._inference_function
        name = text(outer.name)
        if name in self.functions:
            return self.functions[name]
        graphs = {name: (outer, function.graph)}
        waiting = [function.graph]
        while waiting:
            graph = waiting.pop()
            for called in called_by(graph):
                inner = next(filter(None, (g._get_function(called) for g in outward(graph))), None)
                if inner is not None and called not in graphs and inner.graph is not None:
                    graphs[called] = (inner, inner.graph)
                    waiting.append(inner.graph)
        definitions = importlib.import_module("tensorflow.core.framework.function_pb2")
        library = definitions.FunctionDefLibrary()
        names, facts = {}, {"name": name, "operations": {}, "lines": []}
        operations = [op for _, graph in graphs.values() for op in graph.get_operations()]
        lines = {op.name: line_of(op) for op in operations if STEP not in op.name}
        for key, (inner, graph) in graphs.items():
            library.function.add().CopyFrom(inner.definition)
            without_steps(library.function[-1])
            names.setdefault(id(graph), key)
            self.facts(key, graph, lines, facts)
        number = len(self.functions)
        with open(os.path.join(self.path, f"function-{number}.pb"), "wb") as file:
            file.write(library.SerializeToString())
        self.json(f"function-{number}.json", facts)
        self.functions[name] = number, names
        return number, names

    def facts(self, name, graph, lines, facts):
        """Adds the lines of a graph's operations, and the names that stood for what they gave."""
        for frame in self.recorder.frames.get(graph, {}).values():
            self.recorder.take_names(frame)
        for op in graph.get_operations():
            if STEP in op.name:
                continue
            of = forward_name(op.name, lines)
            facts["operations"][f"{name}\n{op.name}"] = [lines[op.name], lines.get(of), of]
        for (op, output), bound in self.recorder.names[graph].items():
            if lines.get(op):
                facts["lines"].append([lines[op], {bound: [name, op, output]}])

    def run(self, file, run, names):
        """Writes a run."""
        path = os.path.join(self.path, file)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            tensors = Tensors(self.tf, archive)
            inputs, variables = [], {}
            known = {id(v.handle): v.name.removesuffix(":0") for v in run.function.graph.variables}
            for entry in run.inputs:
                kept = {"tensor": tensors.add(entry["value"])}
                if "handle" in entry:
                    kept["after"] = tensors.add(entry.get("after"))
                    key = id(entry["handle"])
                    kept["variable"] = variables.setdefault(key, len(variables))
                    kept["name"] = known.get(key, f"variable {kept['variable']}")
                inputs.append(kept)
            values = [
                [names[id(graph)], op, [[n, tensors.add(a)] for n, a in kept.items()]]
                for graph, op, kept in run.values
                if id(graph) in names
            ]
            facts = {
                "inputs": inputs, "host": [], "random": [], "values": values,
                "results": [tensors.add(a) for a in run.results],
            }  # fmt: skip
            archive.writestr("run.json", json.dumps(facts))


class Tensors:
    """Writes arrays into an archive."""

    def __init__(self, tf, archive):
        self.tf, self.archive, self.count = tf, archive, 0

    def add(self, array):
        """Writes an array; returns its number, None for None."""
        if array is None:
            return None
        self.archive.writestr(
            f"{self.count}.pb", self.tf.make_tensor_proto(array).SerializeToString()
        )
        self.count += 1
        return self.count - 1


def outward(graph):
    """A graph, and those around it."""
    while graph is not None:
        yield graph
        graph = getattr(graph, "outer_graph", None)


def called_by(graph):
    """The names of the functions that a graph's operations call."""
    for op in graph.get_operations():
        for attribute in op.node_def.attr.values():
            if attribute.HasField("func"):
                yield attribute.func.name
            for function in attribute.list.func:
                yield function.name


def without_steps(definition):
    """Takes the host steps out of a function's definition."""
    steps = {
        n.name for n in definition.node_def if f"/{n.name}".rpartition("/")[2].startswith(STEP)
    }
    kept = [node for node in definition.node_def if node.name not in steps]
    for node in kept:
        inputs = [i for i in node.input if not (i.startswith("^") and i[1:] in steps)]
        del node.input[:]
        node.input.extend(inputs)
    copies = [type(node).FromString(node.SerializeToString()) for node in kept]
    del definition.node_def[:]
    definition.node_def.extend(copies)
    for key in [k for k, op in definition.control_ret.items() if op in steps]:
        del definition.control_ret[key]
    outputs = [o for o in definition.signature.control_output if o in definition.control_ret]
    del definition.signature.control_output[:]
    definition.signature.control_output.extend(outputs)


def line_of(op):
    """[file, line, function] of the line of the program that made an operation; None if none did."""
    frames = list(op.traceback or ())
    for frame in reversed(frames):
        if is_users(frame.filename) and "__autograph_generated_file" not in frame.filename:
            return [frame.filename, frame.lineno, re.sub("^tf__", "", frame.name)]
    return None


def forward_name(name, lines):
    """The operation that another one belongs to the gradient of, by its name; None for others."""
    for mark in ("gradients/", "gradient_tape/"):
        before, separator, rest = name.rpartition(mark)
        if separator:
            break
    while separator and rest:
        candidate = rest.replace("_grad/", "/").removesuffix("_grad")
        if candidate in lines and candidate != name:
            return candidate
        rest = rest.rpartition("/")[0]
    return None


# -- the block, and the command


@contextlib.contextmanager
def recording(folder, last=10):
    """Records the last runs of each function that is traced in the block, in a folder."""
    tf = importlib.import_module("tensorflow")
    if not hasattr(tf, "debugging") or hasattr(tf.debugging, "recording"):  # Penstock
        with tf.debugging.recording(folder, last=last):
            yield
        return
    recorder = Recorder(tf, last)
    try:
        with contextlib.ExitStack() as stack:
            for replaced in patches(recorder):
                stack.enter_context(replaced)
            yield
    finally:
        Folder(tf, folder, recorder).write()


def patches(recorder):
    """Replaces functions of TensorFlow within the block."""
    python = "tensorflow.python"
    callbacks = importlib.import_module(f"{python}.framework.op_callbacks")
    concrete = importlib.import_module(f"{python}.eager.polymorphic_function.concrete_function")
    functions = importlib.import_module(f"{python}.eager.polymorphic_function.polymorphic_function")
    structured = importlib.import_module(f"{python}.data.ops.structured_function")

    @contextlib.contextmanager
    def callback():
        callbacks.add_op_callback(recorder.traced)
        try:
            yield
        finally:
            callbacks.remove_op_callback(recorder.traced)

    def call(original):
        def begin(self, tensor_inputs, captured_inputs):
            return recorder.call(original, self, tensor_inputs, captured_inputs)

        return begin

    def paused(original):
        def begin(*args, **kwargs):
            before, recorder.is_paused = recorder.is_paused, True
            try:
                return original(*args, **kwargs)
            finally:
                recorder.is_paused = before

        return begin

    def without_xla(original):
        signature = inspect.signature(original)

        def begin(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            bound.arguments["jit_compile"] = None
            return original(*bound.args, **bound.kwargs)

        return begin

    yield callback()
    yield replaced(concrete.ConcreteFunction, "_call_flat", call)
    yield replaced(structured.StructuredFunctionWrapper, "__init__", paused)
    yield replaced(functions.Function, "__init__", without_xla)


@contextlib.contextmanager
def replaced(owner, name, replacement):
    """Replaces a method by its wrapped form until the block ends."""
    original = getattr(owner, name)
    setattr(owner, name, functools.wraps(original)(replacement(original)))
    try:
        yield
    finally:
        setattr(owner, name, original)


def main():
    """Runs a program, and records it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--last", type=int, default=10, help="runs that are kept of each function")
    parser.add_argument("--seed", type=int, help="of all generators")
    parser.add_argument("folder", help="where the recording is written")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="PROGRAM ... or -m MODULE ...")
    options = parser.parse_args()
    if not options.program:
        parser.error("a program is required")
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(HERE)]
    tf = importlib.import_module("tensorflow")
    if options.seed is not None:
        if importlib.util.find_spec("keras"):
            importlib.import_module("keras").utils.set_random_seed(options.seed)
        else:
            np.random.seed(options.seed)
            tf.random.set_seed(options.seed)
    with recording(options.folder, options.last):
        try:
            run(options.program)
        except SystemExit as end:
            if end.code not in (None, 0):
                raise


def run(program):
    """Runs a program as Python does."""
    if program[0] == "-m":
        sys.argv = program[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        sys.path.insert(0, os.path.dirname(os.path.abspath(program[0])))
        runpy.run_path(os.path.abspath(program[0]), run_name="__main__")


if __name__ == "__main__":
    main()
