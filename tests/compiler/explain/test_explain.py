"""explain(): kernels, and the lines of the program that they come from."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.explain.records import HostRecord, SourceLine
from penstock._src.util.run_observers import RUN_OBSERVERS

SOURCES = Path(tf.__file__).parent / "_src"


def lines_of(report, function):
    """The code of each kernel's lines that stand in `function`."""
    source, first = inspect.getsourcelines(function)
    inside = {
        SourceLine(inspect.getsourcefile(function), first + i): text.strip()
        for i, text in enumerate(source)
    }
    return [[inside[line] for line in k.lines if line in inside] for k in report.kernels]


def test_a_fused_kernel_names_all_its_lines():
    def f(x):
        y = x + 1.0
        z = tf.exp(y)
        return z * y

    report = tf.function(f).explain(tf.ones([8]))
    assert lines_of(report, f) == [["y = x + 1.0", "z = tf.exp(y)", "return z * y"]]
    (kernel,) = report.kernels
    assert kernel.computes == "add, exp, mul"
    assert (kernel.flops, kernel.bytes) == (24, 64)
    for text in ("y = x + 1.0", "test_explain.py:", "computes add, exp, mul", "24 FLOP"):
        assert text in report


def test_each_kernel_names_the_file_that_writes_it():
    def f(q, images, filters):
        scores = tf.nn.softmax(tf.matmul(q, q, transpose_b=True) * 0.5)
        attended = tf.matmul(scores, q)
        drawn = tf.random.stateless_uniform([8], [1, 2])
        sums = tf.cumsum(tf.nn.conv2d(images, filters, 1, "SAME"))
        return attended, drawn, sums, tf.gather(q, [0]), tf.exp(q)

    shapes = [2, 64, 64, 16], [1, 8, 8, 4], [5, 5, 4, 16]
    report = tf.function(f).explain(*map(tf.ones, shapes))
    emitters = {kernel.emitter for kernel in report.kernels}
    names = "attention/forward", "contraction/images/conv", "specials/random_bits", "nests/nest"
    assert {f"compiler/codegen/{name}.py" for name in names} <= emitters
    assert all((SOURCES / emitter).is_file() for emitter in emitters)
    assert "(compiler/codegen/contraction/images/conv.py)" in report


def test_a_kernel_that_was_read_from_the_cache_names_its_file(tmp_path):
    program = """
import penstock as tf
print(tf.function(lambda x: tf.matmul(x, x) + 1.0).explain(tf.ones([32, 32])))
from penstock._src.native import kernels
print("read", kernels().statistics.from_disk)
"""
    environment = {**os.environ, "PENSTOCK_CACHE_DIR": str(tmp_path), "PENSTOCK_VERIFY": "0"}
    for _ in range(2):
        ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
        assert b"(compiler/codegen/contraction/products/kernel.py)" in ran.stdout, ran.stderr
    assert int(ran.stdout.split()[-1]) > 0


def test_equal_values_keep_both_lines():
    def f(x):
        y = tf.exp(x)
        z = tf.exp(x)
        return y + z

    report = tf.function(f).explain(tf.ones([8]))
    assert lines_of(report, f) == [["y = tf.exp(x)", "z = tf.exp(x)", "return y + z"]]


def test_lines_that_are_folded_away_lead_to_the_kernel_that_absorbs_them():
    def f(x, w):
        turned = tf.transpose(w)
        return tf.matmul(x, turned)

    report = tf.function(f).explain(tf.ones([32, 48]), tf.ones([16, 48]))
    assert ["return tf.matmul(x, turned)", "turned = tf.transpose(w)"] in map(
        list, lines_of(report, f)
    )


def test_each_kernel_has_the_lines_of_what_it_computes_only():
    v = tf.Variable(tf.ones([64, 8]))

    def f(x):
        y = tf.nn.relu(x @ v)
        total = tf.reduce_sum(y)
        v.assign(v * 2.0)
        return total

    kernels = lines_of(tf.function(f).explain(tf.ones([16, 64])), f)
    assert ["y = tf.nn.relu(x @ v)"] in kernels
    assert ["total = tf.reduce_sum(y)"] in kernels
    assert ["v.assign(v * 2.0)"] in kernels


def test_roles_of_what_is_stored():
    v = tf.Variable(tf.ones([64, 8]))

    @tf.function
    def f(x):
        y = tf.nn.softmax(x @ v)
        v.assign_add(tf.ones([64, 8]))
        return y

    roles = {s.role for k in f.explain(tf.ones([16, 64])).kernels for s in k.stored}
    assert roles == {"temporary", "result 0", "new value of argument 1"}


def test_loops_say_how_often():
    @tf.function
    def f(x, n):
        while tf.reduce_sum(x) < n:
            x = tf.sin(x) + 2.0 * x
        return x

    report = f.explain(tf.ones([8]), tf.constant(100.0))
    assert any(k.rounds is None for k in report.kernels)
    assert "in a loop" in report and "x = tf.sin(x) + 2.0 * x" in report


def test_host_ops_stand_there_with_their_line_and_reason():
    @tf.function
    def f(x):
        text = tf.strings.as_string(x)
        return tf.strings.length(text) + tf.cast(x, tf.int32)

    report = f.explain(tf.ones([4]))
    assert "host         AsString" in report and "text = tf.strings.as_string(x)" in report


def test_functions_that_the_host_calls_are_explained():
    @tf.function
    def f(x):
        while tf.reduce_sum(x) < 100.0:
            x = x * 2.0
            tf.debugging.assert_greater(tf.strings.length(tf.strings.as_string(x)), 0)
        return x

    report = f.explain(tf.ones([4]), time=True)
    for text in ("host         While", "called by 'while'", "x = x * 2.0", "host         AsString"):
        assert text in report
    while_, *others = [s for s in report.known.steps if isinstance(s, HostRecord)]
    assert while_.calls and all(while_.seconds > s.seconds for s in others if s.seconds)


def test_many_equal_arguments_are_counted():
    variables = [tf.Variable(tf.ones([2])) for _ in range(9)]
    report = tf.function(lambda x: tf.add_n([x, *variables])).explain(tf.ones([2]))
    assert "(float32[2], 9 x resource[]) -> (float32[2])" in report.splitlines()[0]


def test_a_parameter_may_be_called_time():
    report = tf.function(lambda time: time + 1.0).explain(time=tf.ones([4]))
    assert len(report.kernels) == 1 and report.kernels[0].seconds is None


def test_errors_are_kernels_too():
    @tf.function
    def f(x, i):
        tf.debugging.assert_less(i, 4)
        return tf.gather(x, i)

    report = f.explain(tf.ones([4]), tf.constant([1, 2]))
    assert "an error, if what is checked does not hold" in report


def test_kernels_partition_what_the_program_computes():
    """Stored nodes are computed by one kernel; what is computed again is never stored."""
    v = tf.Variable(tf.random.normal([64, 10]))

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            logits = tf.nn.relu(x @ v)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
            loss = tf.reduce_mean(loss)
        v.assign_sub(0.1 * tape.gradient(loss, v))
        return loss

    report = step.explain(tf.ones([32, 64]), tf.zeros([32], tf.int32))
    stored = [s.node.id for k in report.kernels if k.computes != "a copy" for s in k.stored]
    assert len(stored) == len(set(stored))
    for kernel in report.kernels:
        mine = {s.node.id for s in kernel.stored}
        again = {n.id for n in kernel.nodes if n.kind != "constant"} & set(stored) - mine
        assert not again or kernel.computes in (
            "a copy",
            "an error, if what is checked does not hold",
        )


@pytest.mark.parametrize(
    "stage", ["graph", "hlo", "optimized_hlo", "primitives", "stablehlo", "launches"]
)
def test_stages_of_a_program(stage):
    f = tf.function(lambda x: tf.exp(x) + 1.0)
    assert f.experimental_get_compiler_ir(tf.ones([4]))(stage=stage)


def test_llvm_and_assembly():
    text = tf.function(lambda x: tf.sqrt(x)).experimental_get_compiler_ir(tf.ones([64]))
    assert "llvm.sqrt" in text(stage="llvm") and "define" in text(stage="llvm")
    assert "sqrt" in text(stage="assembly") and "define" not in text(stage="assembly")


def test_unknown_stages_are_refused():
    text = tf.function(lambda x: x + 1.0).experimental_get_compiler_ir(tf.ones([4]))
    for stage in ("hlo_serialized", "optimized_hlo_dot", "nonsense"):
        with pytest.raises(ValueError, match=stage):
            text(stage=stage)


def test_explaining_changes_no_variable():
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def f():
        return v.assign_add([1.0, 1.0])

    f.explain()
    f.experimental_get_compiler_ir()
    np.testing.assert_array_equal(v.numpy(), [1, 2])
    assert f().numpy().tolist() == [2, 3]


@pytest.mark.plain_kernels
def test_times_of_kernels_and_host_operations():
    v = tf.Variable(tf.ones([8]))

    @tf.function
    def f(x):
        text = tf.strings.as_string(x)
        v.assign_add(x)
        return tf.strings.length(text) + tf.cast(tf.exp(x), tf.int32)

    report = f.explain(tf.ones([8]), time=True)
    assert v.numpy().tolist() == [1.0] * 8
    assert all(k.seconds is not None and k.seconds > 0 for k in report.kernels)
    assert all(p.start >= 0 and p.end >= p.start for p in report.known.timeline)
    names = [p.name for p in report.known.timeline if p.host]
    assert "AsString" in names and "StringLength" in names
    assert {p.kernel for p in report.known.timeline} == {0, *[k.number for k in report.kernels]}
    for text in ("GF/s in float32", "of the peak", "of memory's"):
        assert text in report
    assert "of the peak" not in f.explain(tf.ones([8]))


@pytest.mark.plain_kernels
def test_rounds_of_loops_are_told_one_by_one():
    @tf.function
    def f(x, n):
        for _ in tf.range(n):
            x = tf.sin(x) + 1.0
        return x

    report = f.explain(tf.ones([8]), tf.constant(7), time=True)
    launched = [p.kernel for p in report.known.timeline]
    # the condition is looked at once more than the body runs
    assert {7, 8} <= {launched.count(k.number) for k in report.kernels}


def test_nobody_is_told_anything_afterwards():
    tf.function(lambda x: x + 1.0).explain(tf.ones([8]), time=True)
    assert not RUN_OBSERVERS


def test_compiler_ir_of_specs_is_that_of_tensors():
    function = tf.function(lambda x: tf.sqrt(x))
    stages = function.experimental_get_compiler_ir(tf.TensorSpec([10, 20]))
    assert "float32[10, 20]" in stages(stage="hlo")
    with pytest.raises(ValueError, match="without None"):
        function.experimental_get_compiler_ir(tf.TensorSpec([None, 20]))
