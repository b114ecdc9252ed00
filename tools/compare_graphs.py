"""Compares the graphs that programs make with those that TensorFlow makes of them.

    python tools/compare_graphs.py record       where TensorFlow 2.21 is installed: writes tests/graph/recorded/nodes.json.gz
    python tools/compare_graphs.py [program]    with Penstock: prints how many nodes agree, and for a program those that do not

The programs are in tests/graph/recorded/programs.py. A node is its name, op, inputs and attributes; functions are called by the node
that uses them, as their own names contain numbers that differ from process to process.
"""

import difflib
import gzip
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECORDED = ROOT / "tests" / "graph" / "recorded" / "nodes.json.gz"


def attribute(value):
    """An attribute's value as a line of text."""
    kind = value.WhichOneof("value")
    if kind == "func":
        return "function"
    if kind == "list" and value.list.func:
        return f"{len(value.list.func)} functions"
    return " ".join(str(value).split())


def node(definition):
    """A NodeDef as a line of text."""
    shown = {k: attribute(v) for k, v in definition.attr.items() if not k.startswith("_")}
    ins = ", ".join(definition.input)
    attributes = "".join(f" | {k}={shown[k]}" for k in sorted(shown))
    return f"{definition.name} = {definition.op}({ins}){attributes}"


def functions_of(definition):
    """(attribute, name) of the functions that a node uses."""
    for key in sorted(definition.attr):
        value = definition.attr[key]
        if value.WhichOneof("value") == "func" and not key.startswith("_"):
            yield key, value.func.name
        for number, function in enumerate(value.list.func):
            yield f"{key}{number}", function.name


def graphs(graph_def):
    """Path -> lines, for the graph and for the functions that its nodes use."""
    library = {f.signature.name: f for f in graph_def.library.function}
    found = {}

    def visit(path, nodes):
        found[path] = [node(n) for n in nodes]
        for definition in nodes:
            for key, name in functions_of(definition):
                inner = f"{path}/{definition.name}.{key}"
                if name in library and inner not in found and inner.count(".") < 6:
                    visit(inner, library[name].node_def)

    visit("", graph_def.node)
    return found


def agreement(ours, theirs):
    """(number of nodes that are the same, number of nodes of TensorFlow), without regard to order and attributes."""
    same = total = 0
    for path, lines in theirs.items():
        here = [line.split(" | ")[0] for line in ours.get(path, [])]
        total += len(lines)
        for line in lines:
            bare = line.split(" | ")[0]
            if bare in here:
                here.remove(bare)
                same += 1
    return same, total


def differences(ours, theirs):
    """Lines of a diff from TensorFlow's nodes to ours."""
    for path in sorted({*ours, *theirs}):
        there, here = theirs.get(path, []), ours.get(path, [])
        if there != here:
            yield f"--- {path or 'graph'}"
            yield from (x for x in difflib.ndiff(there, here) if x[0] in "+-")


def read():
    """TensorFlow's nodes: program -> path of the function -> lines."""
    return json.loads(gzip.decompress(RECORDED.read_bytes()))


def record():
    """Writes TensorFlow's nodes."""
    import tensorflow as tf

    from tests.graph.recorded.programs import PROGRAMS

    recorded = {program.__name__: graphs(program(tf)) for program in PROGRAMS}
    text = json.dumps(recorded).encode()
    RECORDED.write_bytes(gzip.compress(text, mtime=0))


def compare(names):
    """Prints how many nodes agree."""
    import penstock as tf

    tf.install_as_tensorflow()
    from tests.graph.recorded.programs import PROGRAMS

    recorded = read()
    for program in PROGRAMS:
        if names and program.__name__ not in names:
            continue
        ours, theirs = graphs(program(tf)), recorded[program.__name__]
        same, total = agreement(ours, theirs)
        mine = sum(map(len, ours.values()))
        exact = "exactly" if ours == theirs else ""
        print(f"{program.__name__:20} {same:4} of {total:4} nodes, {mine:4} here {exact}")
        if names:
            print(*differences(ours, theirs), sep="\n")


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "tensorflow"
    sys.path.insert(0, str(ROOT))
    if sys.argv[1:] == ["record"]:
        record()
    else:
        compare(sys.argv[1:])
