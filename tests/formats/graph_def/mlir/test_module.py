"""Modules in TensorFlow's dialects, operation by operation as TensorFlow writes them."""

import collections
import json
import pathlib
import re

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.graph_def.mlir.text import dense
from tests.formats.graph_def.mlir.functions import concrete_functions

RECORDED = json.loads(pathlib.Path(__file__).with_name("modules.json").read_text())
STANDARD = "tf-standard-pipeline"
OPERATION = re.compile(
    r'"(tf\.\w+)"\((.*?)\)\s*(?:<\{(.*)\}>)?\s*(?:\{(.*)\})? : (\(.*?\)) -> (.*)$'
)
# Attributes whose texts differ: names of functions, and what TensorFlow notes of devices and processes.
APART = re.compile(
    r"(?:config_proto|config|f|_collective_manager_ids|executor_type) = (?:\"[^\"]*\"|@\S+?|\[\])(?:, |$)"
)


def entries(text):
    """The entries of a dictionary of attributes; brackets and strings hold commas as well."""
    parts, depth, quoted, part = [], 0, False, ""
    for c in APART.sub("", text or "") + ",":
        quoted ^= c == '"'
        depth += (c in "[<({") - (c in "]>)}") if not quoted else 0
        if c == "," and not depth and not quoted:
            parts.append(part.strip())
            part = ""
        else:
            part += c
    return sorted(p for p in parts if p)


def rounded(text):
    """The text with three digits of each float: MLIR writes as many as its own algorithm finds."""
    return re.sub(r"-?\d+\.\d+E?e?[-+]?\d*", lambda m: f"{float(m[0]):.3g}", text)


def operations(module, with_types):
    """How often there is each operation: its name, its attributes and, if wanted, its types."""
    found = collections.Counter()
    for line in module.splitlines():
        match = OPERATION.search(line)
        if match:
            name, _, properties, attributes, operands, results = match.groups()
            kept = entries(properties) + entries(attributes)
            types = (operands, results) if with_types else ()
            found[name, *sorted(e for e in map(rounded, kept) if e != 'device = ""'), *types] += 1
    return found


@pytest.fixture(scope="module")
def functions():
    return concrete_functions(tf)


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_operations_are_those_of_tensorflow(name, functions):
    simplified = tf.mlir.experimental.convert_function(functions[name])
    # The shape of what is read from a variable is not known there.
    typed = name != "assign"
    assert operations(simplified, typed) == operations(RECORDED[name][STANDARD], typed)
    # Before passes TensorFlow knows no shapes, and waits for effects by operations of their own.
    whole = operations(tf.mlir.experimental.convert_function(functions[name], ""), False)
    theirs = operations(RECORDED[name][""], False)
    assert whole == collections.Counter({k: v for k, v in theirs.items() if k[0] != "tf.NoOp"})


@pytest.mark.parametrize("name", ["sum", "constants", "parts", "convolution"])
def test_signatures_are_those_of_tensorflow(name, functions):
    heads = [
        re.search(r"func\.func @[^(]*(.*) \{\n", module)[1]
        for module in (
            tf.mlir.experimental.convert_function(functions[name]),
            RECORDED[name][STANDARD],
        )
    ]
    assert heads[0] == heads[1]


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64"])
def test_floats_are_read_as_the_same_bits(kind):
    dtype = tf.as_dtype(kind).as_numpy_dtype
    values = np.random.default_rng(0).normal(size=64) * 10.0 ** np.arange(-32, 32) / 7
    with np.errstate(over="ignore"):
        values = np.concatenate([values, [np.inf, -np.inf, -0.0, 0.1]]).astype(dtype)
    text = dense(values, tf.as_dtype(kind))
    words = re.search(r"dense<\[(.*)\]>", text)[1].split(", ")
    bits = f"u{values.itemsize}"
    read = [
        np.array(int(w, 16), bits)
        if w.startswith("0x")
        else np.array(float(w)).astype(dtype).view(bits)
        for w in words
    ]
    np.testing.assert_array_equal(read, values.view(bits))


def test_graphs_are_functions_without_results():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 3], name="x")
        tf.nn.relu(x, name="y")
    definition = graph.as_graph_def()
    module = tf.mlir.experimental.convert_graph_def(definition, "")
    assert '"tf.Placeholder"() {_user' not in module
    assert '"tf.Relu"(%outputs) {device = ""} : (tensor<?x3xf32>) -> tensor<?x3xf32>' in module
    assert module == tf.mlir.experimental.convert_graph_def(definition.SerializeToString(), "")
    assert module == tf.mlir.experimental.convert_graph_def(str(definition), "")
    assert "tf.Relu" not in tf.mlir.experimental.convert_graph_def(definition)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a GraphDef"):
        tf.mlir.experimental.convert_graph_def("node { nonsense }")


def test_loops_and_branches_are_functions_of_the_module():
    @tf.function
    def f(x, n):
        while tf.reduce_sum(x) < n:
            if n > 3.0:
                x = x * 2.0
            else:
                x = x + 1.0
        return x

    concrete = f.get_concrete_function(tf.TensorSpec([2]), tf.TensorSpec([]))
    module = tf.mlir.experimental.convert_function(concrete)
    names = set(re.findall(r"func\.func private (@[\w.$]+|@\"[^\"]+\")", module))
    called = set(
        re.findall(r"(?:body|cond|then_branch|else_branch) = (@[\w.$]+|@\"[^\"]+\")", module)
    )
    assert len(called) == 4
    assert called == names


def test_what_is_not_implemented_is_named(functions):
    with pytest.raises(tf.errors.UnimplementedError, match="tf-lower-to-something"):
        tf.mlir.experimental.convert_function(functions["sum"], "tf-lower-to-something")
    with pytest.raises(tf.errors.UnimplementedError, match="show_debug_info"):
        tf.mlir.experimental.convert_function(functions["sum"], show_debug_info=True)
    with pytest.raises(TypeError, match="ConcreteFunction"):
        tf.mlir.experimental.convert_function(lambda x: x)
