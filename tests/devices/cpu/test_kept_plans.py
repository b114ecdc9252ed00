"""Programs that are kept for other processes: a second function with the same graph is neither lowered nor planned."""

import json
import subprocess
import sys

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.eager_context import _reset_context
from penstock._src.compiler.blocks import block
from penstock._src.compiler.blocks.recorded.contents import content_of
from penstock._src.compiler.codegen import tuning_records
from penstock._src.compiler.plan.launchers import streams
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.devices.cpu import kept_plans
from penstock._src.native import kernels, pool
from penstock._src.native.builtins import OFTEN
from penstock._src.util.flags import override

X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(4, 6)
# No earlier run has kept programs of these graphs.
UNIQUE = float(np.random.default_rng().uniform(1, 2))


@pytest.fixture(autouse=True)
def keeping(monkeypatch):
    """Keeps programs of small graphs; verification would plan all."""
    if kernels().cache.folder is None:
        pytest.skip("there is no cache of kernels")
    monkeypatch.setattr(block, "FEWEST_OPERATIONS", 1)
    with override(verify=0):
        yield


def function_of(body, *signature):
    return tf.function(body, input_signature=signature, autograph=False)


def steps_of(function, *arguments):
    """The kinds of steps that a call takes."""
    made = []
    keep = block.Block.keep

    def noting(self, key, specialization):
        made.extend(type(step).__name__ for step in specialization.steps)
        return keep(self, key, specialization)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block.Block, "keep", noting)
        result = function(*arguments)
    return result, made


def scaled(factor):
    return function_of(
        lambda x: tf.nn.softmax(x @ tf.transpose(x)) * factor, tf.TensorSpec([None, None])
    )


def test_a_second_function_takes_the_first_one_s_program():
    first, made = steps_of(scaled(UNIQUE), X)
    assert made == ["ProgramStep"]
    function = scaled(UNIQUE)
    second, made = steps_of(function, X)
    assert made == ["PlannedStep"] and first.numpy().tobytes() == second.numpy().tobytes()
    other, made = steps_of(function, X[:3])
    assert made == ["PlannedStep"]
    np.testing.assert_allclose(other, scaled(UNIQUE + 1)(X[:3]) * UNIQUE / (UNIQUE + 1), rtol=1e-5)


def repeated(factor):
    def body(x, count):
        loop = tf.while_loop(
            lambda at, x: at < count,
            lambda at, x: (at + 1, tf.cond(x[0, 0] > 0, lambda: tf.sin(x) * factor, lambda: x + 1)),
            (0, x),
        )
        return loop[1]

    return function_of(body, tf.TensorSpec([None, None]), tf.TensorSpec([], tf.int32))


def test_programs_with_loops_and_branches_are_kept():
    first, made = steps_of(repeated(UNIQUE), X, 5)
    assert made == ["ProgramStep"]
    second, made = steps_of(repeated(UNIQUE), X, 5)
    assert made == ["PlannedStep"] and first.numpy().tobytes() == second.numpy().tobytes()
    _, made = steps_of(repeated(UNIQUE + 1), X, 5)
    assert made == ["ProgramStep"]


def before_the_host(factor):
    """A program whose results the host reads, and a later one that reads the host's."""

    def body(x):
        y = tf.nn.softmax(x @ tf.transpose(x)) * factor
        text = tf.strings.as_string(tf.reduce_sum(y), precision=3)
        return y, text, tf.strings.to_number(text) * 2.0 + y

    return function_of(body, tf.TensorSpec([None, None]))


def test_programs_before_operations_on_the_host_are_kept():
    first, made = steps_of(before_the_host(UNIQUE), X)
    assert made[0] == "ProgramStep"
    second, made = steps_of(before_the_host(UNIQUE), X)
    assert made[0] == "PlannedStep"
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(second[2], 2 * np.float32(second[1].numpy()) + second[0].numpy())


def test_another_constant_is_another_program():
    scaled(UNIQUE + 2)(X)
    result, made = steps_of(scaled(UNIQUE + 3), X)
    assert made == ["ProgramStep"]
    np.testing.assert_allclose(result, scaled(1.0)(X) * (UNIQUE + 3), rtol=1e-6)


def test_conditions_are_those_of_planning():
    scaled(UNIQUE + 4)(X)
    result, made = steps_of(scaled(UNIQUE + 4), X[:1])  # one row is another program
    assert made == ["ProgramStep"] and result.shape == (1, 1)


def trained(**changed):
    """A training step for inputs of known shapes, and its variables; one ingredient of its plan may be another than by default."""
    of = {"rows": 4, "width": 5, "rate": 0.1, "dtype": "float32", "power": 2, "op": tf.tanh}
    of |= changed
    x = tf.cast(X[: of["rows"]], of["dtype"])
    start = np.linspace(-1, 1, 6 * of["width"]).reshape(6, of["width"])
    weights = tf.Variable(tf.cast(start, of["dtype"]))
    moved = [weights, tf.Variable(tf.zeros_like(weights))]

    def step(x):
        with tf.GradientTape() as tape:
            y = of["op"](x @ weights)
            loss = tf.reduce_sum(tf.math.pow(y, of["power"])) * tf.cast(UNIQUE, x.dtype)
        moved[1].assign(0.9 * moved[1] + tape.gradient(loss, weights))
        weights.assign_sub(of["rate"] * moved[1])
        return loss

    return x, moved, function_of(step, tf.TensorSpec(x.shape, x.dtype))


def results_of(x, variables, step):
    """The kinds of steps and all numbers of three calls."""
    loss, made = steps_of(step, x)
    losses = [loss.numpy(), *[step(x).numpy() for _ in range(2)]]
    return made, [each.tobytes() for each in (*losses, *[v.numpy() for v in variables])]


def test_a_step_for_known_shapes_takes_an_earlier_one_s_program():
    (made, first), (again, second) = results_of(*trained()), results_of(*trained())
    assert (made, again) == (["ProgramStep"], ["PlannedStep"]) and first == second


def called_often(x, variables, step):
    """The call of a step as a builtin, and all numbers of many calls."""
    kept, keep = [], block.Block.keep
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block.Block, "keep", lambda self, *of: kept.append(of[1]) or keep(self, *of))
        losses = [step(x).numpy() for _ in range(OFTEN + 3)]
    (specialization,) = kept
    return specialization.direct, [
        each.tobytes() for each in (*losses, *[v.numpy() for v in variables])
    ]


def test_a_kept_step_that_comes_often_is_called_by_a_builtin():
    called_often(*trained(power=4))
    (planned, expected), (kept, made) = (called_often(*trained(power=4)) for _ in range(2))
    assert planned and kept and made == expected


def test_an_error_of_a_kept_step_that_comes_often_is_the_lowered_one_s():
    def step(x, at):
        return tf.gather(tf.nn.softmax(x) * UNIQUE, at)

    signature = tf.TensorSpec([4, 6]), tf.TensorSpec([2], tf.int32)
    function_of(step, *signature)(X, [0, 1])
    function, made = function_of(step, *signature), []
    for _ in range(OFTEN + 3):
        made.append(function(X, np.int32([1, 3])).numpy())
    np.testing.assert_array_equal(made[0], made[-1])
    for _ in range(2):
        with pytest.raises(InvalidArgumentError, match=r"indices\[1\] = 9 is not in \[0, 4\)"):
            function(X, np.int32([1, 9]))
        np.testing.assert_array_equal(function(X, np.int32([1, 3])), made[0])


@pytest.mark.parametrize(
    "changed",
    [{"rows": 3}, {"width": 4}, {"rate": 0.2}, {"dtype": "float64"}, {"power": 3}, {"op": tf.sin}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_step_with_another_ingredient_is_planned_again(changed):
    results_of(*trained())
    made, numbers = results_of(*trained(**changed))
    assert made == ["ProgramStep"]
    with override(disable="merge"):  # nothing is kept under such flags
        _, planned = results_of(*trained(**changed))
    sizes = [len(each) for each in numbers]
    assert sizes == [len(each) for each in planned]
    dtype = changed.get("dtype", "float32")
    for kept, expected in zip(numbers, planned, strict=True):
        np.testing.assert_allclose(
            np.frombuffer(kept, dtype), np.frombuffer(expected, dtype), rtol=1e-5, atol=1e-6
        )


def test_another_number_of_threads_is_another_program():
    results_of(*trained(rate=0.3))
    before = pool().threads
    pool().resize(before + 1)
    try:
        assert results_of(*trained(rate=0.3))[0] == ["ProgramStep"]
    finally:
        pool().resize(before)
    assert results_of(*trained(rate=0.3))[0] == ["PlannedStep"]


def test_one_variable_in_two_roles_is_another_program():
    def step_of(first, second):
        def step(x):
            first.assign_add(x * UNIQUE)
            second.assign(second * 2.0 + first)
            return tf.reduce_sum(first)

        return function_of(step, tf.TensorSpec([6], tf.float32))

    steps_of(step_of(tf.Variable(X[0]), tf.Variable(X[1])), X[2])
    same = tf.Variable(X[0])
    _, made = steps_of(step_of(same, same), X[2])
    assert made == ["ProgramStep"]
    np.testing.assert_allclose(same, (X[0] + X[2] * UNIQUE) * 3, rtol=1e-6)


def test_an_error_of_a_step_for_known_shapes_names_the_operation():
    messages = []
    for expected in ("ProgramStep", "PlannedStep"):
        total = tf.Variable(tf.zeros([8]))

        def take(at, total=total):
            total.assign_add(tf.fill([8], UNIQUE + 9))
            return tf.gather(total, at, name="taken")

        function = function_of(take, tf.TensorSpec([2], tf.int32))
        assert steps_of(function, np.array([1, 3], np.int32))[1] == [expected]
        with pytest.raises(InvalidArgumentError, match=r"indices\[1\] = 9 is not in") as error:
            function(np.array([1, 9], np.int32))
        messages.append((str(error.value), float(total[0])))
    assert messages[0] == messages[1]


def accumulated(size, dtype=tf.float32):
    total = tf.Variable(tf.zeros([size], dtype))

    def add(at, x):
        total.scatter_nd_update(at[:, None], tf.gather(total, at) + x * tf.cast(UNIQUE, dtype))
        return tf.reduce_sum(total)

    return total, function_of(add, tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], dtype))


def test_variables_are_assigned():
    totals = []
    for expected in ("ProgramStep", "PlannedStep"):
        total, add = accumulated(8)
        before = total.read_value()
        _, made = steps_of(add, np.array([1, 3], np.int32), np.array([1, 2], np.float32))
        assert made == [expected] and not before.numpy().any()
        add(np.array([3, 0, 7], np.int32), np.array([1, 5, 6], np.float32))
        totals.append(total.numpy())
    np.testing.assert_array_equal(*totals)
    np.testing.assert_allclose(totals[0], UNIQUE * np.array([5, 1, 0, 3, 0, 0, 0, 6]), rtol=1e-6)


@pytest.fixture
def two_devices(monkeypatch):
    """Two logical devices, whose kernels run side by side however little they do."""
    monkeypatch.setattr(streams, "LEAST", 0)
    monkeypatch.setattr(streams, "GAIN", 100.0)
    _reset_context()
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    before = pool().threads
    pool().resize(2)
    yield
    pool().resize(before)
    _reset_context()


def test_errors_of_streams_are_kept(two_devices):
    """Each stream reports errors in status words of its own."""

    def rows(x, at):
        with tf.device("CPU:0"):
            first = tf.gather(tf.tanh(x @ tf.transpose(x)) * UNIQUE, at)
        with tf.device("CPU:1"):
            return first, tf.gather(tf.sin(x @ tf.transpose(x)) * UNIQUE, at + 1)

    results = []
    for expected in ("ProgramStep", "PlannedStep"):
        take = function_of(rows, tf.TensorSpec([None, None]), tf.TensorSpec([None], tf.int32))
        found, made = steps_of(take, X, np.array([0, 2], np.int32))
        assert made == [expected]
        results.append([y.numpy().tobytes() for y in found])
        with pytest.raises(InvalidArgumentError, match=r"GatherV2: indices\[1\] = 4 is not in"):
            take(X, np.array([0, 3], np.int32))
    assert results[0] == results[1]


@pytest.mark.parametrize("other", [{"size": 9}, {"size": 8, "dtype": tf.float64}])
def test_other_variables_are_another_program(other):
    at, x = np.array([1, 3], np.int32), np.array([1, 2])
    accumulated(8)[1](at, x.astype(np.float32))
    total, add = accumulated(**other)
    add(at, x.astype(total.dtype.as_numpy_dtype))
    np.testing.assert_allclose(total[:4], UNIQUE * np.array([0, 1, 0, 2]), rtol=1e-6)


def test_a_run_that_stops_has_the_error_of_the_lowered_program():
    """Variables have their new values up to the error, once."""
    found = []
    for expected in ("ProgramStep", "PlannedStep"):
        total, extra = tf.Variable(tf.zeros([8])), tf.Variable(0.0)

        def add(at, x, total=total, extra=extra):
            extra.assign_add(UNIQUE + 5)
            return tf.gather(total, at) + x

        function = function_of(add, tf.TensorSpec([None], tf.int32), tf.TensorSpec([None]))
        _, made = steps_of(function, np.array([1, 3], np.int32), X[0, :2])
        assert made == [expected]
        with pytest.raises(InvalidArgumentError, match=r"indices\[1\] = 9 is not in \[0, 8\)") as e:
            function(np.array([1, 9], np.int32), X[0, :2])
        found.append((str(e.value), float(extra)))
        np.testing.assert_array_equal(function(np.array([1, 3], np.int32), X[0, :2]), X[0, :2])
    assert found[0] == found[1]


def test_a_report_is_of_the_lowered_program():
    scaled(UNIQUE + 6)(X)
    function = scaled(UNIQUE + 6)
    assert steps_of(function, X)[1] == ["PlannedStep"]
    assert len(function.explain(X).kernels) == len(scaled(UNIQUE + 6).explain(X).kernels) > 0


@pytest.mark.parametrize("content", [b"[]", b'[{"record": "{}", "objects": []}]', b'[{"a": 1}]'])
def test_an_entry_of_another_form_is_planned_again(content, monkeypatch):
    places, factor = [], UNIQUE + 7 + len(content)
    place_of = kept_plans._place

    def noting(*arguments):
        places.append(place_of(*arguments))
        return places[-1]

    monkeypatch.setattr(kept_plans, "_place", noting)
    scaled(factor)(X)
    kernels().cache.write(places[0], content)
    assert steps_of(scaled(factor), X)[1] == ["ProgramStep"]
    assert json.loads(kernels().cache.read(places[0]))[0]["record"] != "{}"


def test_kernels_that_are_gone_are_planned_again(monkeypatch):
    scaled(UNIQUE + 100)(X)
    monkeypatch.setattr(kept_plans, "libraries_by_number", lambda *_: kept_plans._missing())
    assert steps_of(scaled(UNIQUE + 100), X)[1] == ["ProgramStep"]


@pytest.mark.parametrize("flag", [{"disable": "merge"}, {"check": 1}, {"tuning": "other.json"}])
def test_flags_of_the_compiler_are_heeded(flag):
    factor = UNIQUE + 200 + len(str(flag))
    scaled(factor)(X)
    with override(**flag):
        assert steps_of(scaled(factor), X)[1] == ["ProgramStep"]


def test_candidates_of_a_search_are_not_kept():
    with tuning_records.using(tuning_records.TuningRecords()):
        scaled(UNIQUE + 300)(X)
    assert steps_of(scaled(UNIQUE + 300), X)[1] == ["ProgramStep"]


def section_of(body, *signature):
    function = function_of(body, *signature)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            kept_plans, "content_of", lambda section: found.append(section) or content_of(section)
        )
        function(*[np.zeros([n or 2 for n in spec.shape], spec.dtype.name) for spec in signature])
    return found[0]


def rounds(x, count, step):
    return tf.while_loop(lambda at, x: at < count, lambda at, x: (at + 1, x + step), (0, x))[1]


def looped(times=3, factor=2.0, inner=tf.tanh):
    """A loop, in whose body is a condition: functions within a function."""

    def body(i, y):
        changed = tf.cond(tf.reduce_sum(y) > 0.5, lambda: inner(y), lambda: y - 1.0)
        return i + 1, changed * factor

    return lambda x: tf.while_loop(lambda i, y: i < times, body, (0, x))[1]


def test_functions_that_operations_hold_are_part_of_the_content():
    bodies = {
        "loop": looped(),
        "again": looped(),
        "longer": looped(times=4),
        "other body": looped(factor=2.5),
        "other branch": looped(inner=tf.sin),
    }
    found = {name: content_of(section_of(body, MATRIX)) for name, body in bodies.items()}
    assert found.pop("again") == found["loop"]
    assert None not in found.values() and len(set(found.values())) == len(found)


def test_a_loop_takes_an_earlier_one_s_program():
    matrix = tf.TensorSpec([4, 6])
    _, made = steps_of(function_of(looped(factor=UNIQUE), matrix), X)
    assert made == ["ProgramStep"]
    for factor, expected in ((UNIQUE, "PlannedStep"), (UNIQUE + 0.5, "ProgramStep")):
        result, made = steps_of(function_of(looped(factor=factor), matrix), X)
        y = X
        for _ in range(3):
            y = (np.tanh(y) if y.sum() > 0.5 else y - 1) * np.float32(factor)
        assert made == [expected]
        np.testing.assert_allclose(result, y, rtol=1e-5, atol=1e-6)


def test_a_function_with_another_implementation_has_no_content():
    section = section_of(looped(), MATRIX)
    (loop,) = [op for op in section.ops if "While" in op.type]
    function = loop.raw_op.attrs["body"]
    assert content_of(section) is not None
    function.stand_in = function
    assert content_of(section) is None
    function.stand_in, function.why_host = None, "a reason"
    assert content_of(section) is None


def test_functions_nested_deeper_than_the_stack_have_a_content():
    f = tf.function(tf.sin, autograph=False)
    for _ in range(sys.getrecursionlimit() // 3):
        f = tf.function(lambda x, g=f: g(x) + tf.cos(x), autograph=False)
        f.get_concrete_function(MATRIX)
    assert content_of(section_of(f, MATRIX)) is not None


MATRIX = tf.TensorSpec([None, 3])
BODIES = {
    "sum": lambda x: tf.reduce_sum(x, 0),
    "sum of the other axis": lambda x: tf.reduce_sum(x, 1),
    "sum, kept": lambda x: tf.reduce_sum(x, 0, keepdims=True),
    "difference": lambda x: x - tf.reduce_sum(x),
    "the other difference": lambda x: tf.reduce_sum(x) - x,
    "two results": lambda x: (x + 1.0, x * 2.0),
    "two results, exchanged": lambda x: (x * 2.0, x + 1.0),
    "a rounded number": lambda x: x * np.float32(0.1),
    "its neighbor": lambda x: x * np.nextafter(np.float32(0.1), np.float32(1)),
    "zero": lambda x: x * np.float32(0.0),
    "minus zero": lambda x: x * np.float32(-0.0),
    "without an axis": lambda x: tf.squeeze(x[None, None], [0]),
    "three rounds": lambda x: rounds(x, 3, 1.0),
    "four rounds": lambda x: rounds(x, 4, 1.0),
    "three other rounds": lambda x: rounds(x, 3, 2.0),
    "without two": lambda x: tf.squeeze(x[None, None], [0, 1]),
}


def test_contents_differ_where_functions_do():
    contents = {name: content_of(section_of(body, MATRIX)) for name, body in BODIES.items()}
    contents["known rows"] = content_of(section_of(BODIES["sum"], tf.TensorSpec([2, 3])))
    contents["float64"] = content_of(
        section_of(BODIES["sum"], tf.TensorSpec([None, 3], tf.float64))
    )
    assert None not in contents.values() and len(set(contents.values())) == len(contents)
    again = {name: content_of(section_of(body, MATRIX)) for name, body in BODIES.items()}
    assert again == {name: contents[name] for name in BODIES}


PROGRAM = """
import sys, penstock as tf, numpy as np
from penstock._src.bridge.eager_context import _reset_context
from penstock._src.compiler.blocks import block
block.FEWEST_OPERATIONS = 1
x = tf.constant(np.linspace(-1, 1, 24, dtype=np.float32).reshape(4, 6))
w = tf.Variable(x[:, :4] * 0.5)
@tf.function(input_signature=[tf.TensorSpec([None, 4])])
def step(x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.nn.gelu(x @ w) ** 2)
    w.assign_sub(0.1 * tape.gradient(loss, w))
    return loss
print([step(x[:n, :4]).numpy().tobytes().hex() for n in (4, 3, 4)], w.numpy().tobytes().hex())
print("penstock._src.compiler.pipeline" in sys.modules, "llvmlite.binding" in sys.modules)
"""


def test_another_process_neither_plans_nor_compiles(tmp_path, monkeypatch):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    monkeypatch.setenv("PENSTOCK_CACHE_DIR", str(tmp_path / "kernels"))
    monkeypatch.setenv("PENSTOCK_VERIFY", "0")
    run = [sys.executable, str(path)]
    first, second = (
        subprocess.run(run, capture_output=True, text=True, check=True).stdout.split("\n")
        for _ in range(2)
    )
    assert first[0] == second[0] and first[1:2] == ["True True"] and second[1:2] == ["False False"]
    monkeypatch.setenv("PENSTOCK_THREADS", "1")
    third = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split("\n")
    assert third[0] == first[0] and third[1].startswith("True")
