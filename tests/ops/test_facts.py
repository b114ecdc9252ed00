"""Facts that op classes state, which the rest of the engine asks for."""

import ast
import collections
import operator
import re
from pathlib import Path

import pytest

import penstock  # noqa: F401
from penstock._src.api.vectorized import loop
from penstock._src.api.vectorized.inputs import WORDS
from penstock._src.api.vectorized.rules import RULES, rule_of
from penstock._src.compiler.lower import dynamic_rows_ops, dynamic_rows_sources
from penstock._src.compiler.lower.lowering import DYNAMIC_ROWS, UNKNOWN_EXTENTS
from penstock._src.core.registry import load_all

SRC = Path(__file__).resolve().parents[2] / "penstock" / "_src"
OPS = load_all()
NAMES = frozenset(OPS)
WORD = re.compile(r"\w+")
assert all((loop, dynamic_rows_ops, dynamic_rows_sources))  # hold rules and handlers


def stating(fact):
    return {name for name, cls in OPS.items() if operator.attrgetter(fact)(cls)}


def test_each_input_of_an_op_that_vectorizes_has_a_word():
    for name in stating("vectorize"):
        words = OPS[name].vectorize.split(", ")
        assert len(words) == len(OPS[name].inputs), name
        assert set(words) <= set(WORDS), name


def test_how_an_op_vectorizes_is_said_once():
    said = stating("vectorize")
    for name in said & stating(
        "elements.is_elementwise"
    ):  # of equal shapes, which are not broadcast
        assert OPS[name].vectorize == "rows, rows", name
    ruled = {name for name, cls in OPS.items() if rule_of(cls)}
    assert not ruled & (said | stating("elements.is_elementwise"))


@pytest.mark.parametrize("table", [RULES, DYNAMIC_ROWS, UNKNOWN_EXTENTS])
def test_handlers_are_of_one_class_of_ops_each(table):
    classes = {base for cls in OPS.values() for base in cls.__mro__}
    names = collections.Counter(cls.__name__ for cls in classes)
    assert {name: names[name] for name in table} == dict.fromkeys(table, 1)


def test_only_elementwise_ops_are_computed_on_stacks():
    assert stating("values.eager_is_exact") <= stating("elements.is_elementwise")


def test_elementwise_shape_rules_broadcast():
    for name in stating("elements.is_elementwise"):
        assert len(OPS[name].outputs) == 1, name


def test_what_passes_values_on_gives_as_many_of_the_same_types():
    for name in stating("elements.passes_on"):
        op = OPS[name]
        (given,), (made,) = op.inputs, op.outputs
        assert (given.type_attr, given.type_list_attr) == (made.type_attr, made.type_list_attr)


def test_control_flow_holds_functions():
    assert all(OPS[name].flow.runs_functions for name in stating("flow.control"))
    assert {OPS[name].flow.control for name in stating("flow.control")} == {
        "call",
        "if",
        "case",
        "while",
    }


# Files that name ops since they do something else for each; v1/, which knows TensorFlow 1's; and formats/, which knows their counterparts.
DISPATCH = {
    "bridge/python/tools/inference/batch_norms.py",  # the kinds of batch norms that TensorFlow's tool knows
    "bridge/python/tools/saved_models/scan.py",  # the ops that TensorFlow's command denies
    "bridge/cli/verify/operations_recorder.py",  # what the program that records TensorFlow leaves out
    "observe/recordings/libraries.py",  # what each of two libraries has alone
    "observe/debug_events/dumping.py",  # the ops that TensorFlow's dumps leave out
    "observe/costs.py",  # the ops that call Python, of which the profile says so
    "observe/recordings/overview/findings.py",  # the ops whose operands of unequal shapes are suspicious
    "observe/debugger/sessions.py",  # what makes the variables of TensorFlow 1's graphs
    "cluster/transport.py",  # what is made of values, which ops are called after
    "cluster/transports/mpi.py",
    "compiler/lower/control_flow.py",
    "compiler/lower/lowering.py",
    "devices/gpu/cuda/nccl/calls.py",
    # how ops are done on shards
    "distribute/dtensor/spmd/rules/contractions.py",
    "distribute/dtensor/spmd/rules/elementwise.py",
    "distribute/dtensor/spmd/rules/indexing.py",
    "distribute/dtensor/spmd/rules/movement.py",
    "distribute/dtensor/spmd/rules/reductions.py",
    "distribute/dtensor/spmd/rules/shapes.py",
    "distribute/dtensor/spmd/rules/state.py",
    "graph/passes/fold_scales.py",
    "graph/passes/integer_products.py",
    "graph/passes/intervals.py",
    "graph/rewriting.py",
    "graph/serialize/v1_control.py",
    "graph/static_values.py",
}


def _op_names(node):
    """The names of ops in a set, list, tuple, dict of literals or in the words of a string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
        words = node.value.split()
        return (
            NAMES.intersection(words)
            if all(word.isalnum() and word[0].isupper() for word in words)
            else set()
        )
    parts = getattr(node, "elts", None) or getattr(node, "keys", None) or []
    return {
        p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)
    } & NAMES


def test_facts_stand_in_the_classes_of_ops_alone():
    """No other file lists three ops or more."""
    found = {}
    for path in sorted(SRC.rglob("*.py")):
        name = str(path.relative_to(SRC))
        if name not in DISPATCH and name.split("/")[0] not in ("ops", "v1", "stablehlo", "formats"):
            text = path.read_text()
            if len(NAMES.intersection(WORD.findall(text))) > 2:  # others need not be parsed
                lists = [_op_names(node) for node in ast.walk(ast.parse(text))]
                found[name] = [sorted(names) for names in lists if len(names) > 2]
    assert not {name: lists for name, lists in found.items() if lists}
