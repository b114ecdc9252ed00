"""Names in functions that leave: converters write a loop's condition into its body, and find values by name."""

import pytest

import penstock as tf


def _library(function, *specs):
    graph_def = function.get_concrete_function(*specs).graph.as_graph_def()
    return graph_def, {f.signature.name: f for f in graph_def.library.function}


def _loops(nodes, library):
    """(definition of the condition, definition of the body) of each loop, also of those in functions."""
    for node in nodes:
        names = [v.func.name for v in node.attr.values() if v.WhichOneof("value") == "func"]
        if node.op in ("While", "StatelessWhile"):
            yield tuple(library[node.attr[key].func.name] for key in ("cond", "body"))
        for name in names:
            yield from _loops(library[name].node_def, library)


def _names(definition):
    arguments = [a.name for a in definition.signature.input_arg]
    return arguments, {*arguments, *definition.ret, *(n.name for n in definition.node_def)}


def captured_limit(x, y):
    n, p = tf.shape(x)[0], tf.exp(y)
    return tf.while_loop(lambda t, s: t < n, lambda t, s: (t + 1, s * p + x[t]), (0, y))[1]


def captured_in_another_order(x, y):
    p, q, r = tf.exp(y), tf.sin(y), tf.cos(y)
    return tf.while_loop(
        lambda a: tf.reduce_sum(r + p) < 9.0, lambda a: (a + q * p - r + x[0],), (y,)
    )


def nested(x, y):
    def body(i, a):
        shift = a + y
        return i + 1, tf.while_loop(
            lambda j, b: j < i, lambda j, b: (j + 1, b * 0.5 + shift * x[0]), (0, a)
        )[1]

    return tf.while_loop(lambda i, a: i < tf.shape(x)[0], body, (0, y))[1]


def over_rows(x, y):
    return tf.map_fn(lambda row: row * y + tf.reduce_sum(y), x)


def gradient(x, y):
    with tf.GradientTape() as tape:
        tape.watch(y)
        z = captured_limit(x, y)
    return tape.gradient(z, y)


PROGRAMS = [captured_limit, captured_in_another_order, nested, over_rows, gradient]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_condition_has_no_name_of_another_value_of_its_body(program):
    function = tf.function(program, autograph=False)
    specs = tf.TensorSpec([None, 2]), tf.TensorSpec([2])
    graph_def, library = _library(function, *specs)
    loops = list(_loops(graph_def.node, library))
    assert loops
    for cond, body in loops:
        of_cond, _ = _names(cond)
        of_body, all_of_body = _names(body)
        results = [a.name for a in body.signature.output_arg]
        # Where both have a name, it is that of one variable, before or after a step.
        for mine, before, after in zip(of_cond, of_body, results, strict=True):
            assert mine in (before, after) or mine not in all_of_body


@pytest.mark.parametrize("program", PROGRAMS)
def test_names_in_a_function_are_different(program):
    function = tf.function(program, autograph=False)
    _, library = _library(function, tf.TensorSpec([None, 2]), tf.TensorSpec([2]))
    for definition in library.values():
        arguments = [a.name for a in definition.signature.input_arg]
        outputs = [a.name for a in definition.signature.output_arg]
        names = [*arguments, *outputs, *(n.name for n in definition.node_def)]
        assert len(set(names)) == len(names)


def test_results_of_bodies_and_branches_are_identities_of_their_own():
    def f(x):
        y = tf.while_loop(lambda i, a, b: i < 3, lambda i, a, b: (i + 1, b, b), (0, x, x))[1]
        return tf.cond(tf.reduce_sum(y) > 0, lambda: (y, y), lambda: (x, y))

    _, library = _library(tf.function(f, autograph=False), tf.TensorSpec([2]))
    kinds = [{n.name: n.op for n in d.node_def} for d in library.values()]
    results = [list(d.ret.values()) for d in library.values()]
    assert len(results) == 4
    for ops, texts in zip(kinds, results, strict=True):
        assert len(set(texts)) == len(texts)
        assert {ops[text.partition(":")[0]] for text in texts} == {"Identity"}


def test_a_body_has_a_suffix_for_what_it_only_passes_on():
    function = tf.function(captured_limit, autograph=False)
    graph_def, library = _library(function, tf.TensorSpec([None, 2]), tf.TensorSpec([2]))
    ((cond, body),) = _loops(graph_def.node, library)
    # As TensorFlow writes it.
    assert [a.name for a in body.signature.input_arg] == [
        "while_while_loop_counter",
        "while_while_maximum_iterations",
        "while_placeholder",
        "while_placeholder_1",
        "while_strided_slice_0",
        "while_mul_exp_0",
        "while_strided_slice_1_x_0",
    ]
    name = cond.signature.name
    assert [a.name for a in cond.signature.input_arg][4:] == [
        "while_less_strided_slice",
        f"while_{name}___redundant_placeholder0",
        f"while_{name}___redundant_placeholder1",
    ]


def test_operations_give_way_to_results_of_their_name():
    with tf.Graph().as_default() as graph:  # without Identities, as in TensorFlow 1
        x = tf.compat.v1.placeholder(tf.float32, [], name="x")
        tf.while_loop(lambda a: a < 9.0, lambda a: (tf.add(a, 1.0, name="step"),), (x,))
    (body,) = [f for f in graph.as_graph_def().library.function if "body" in f.signature.name]
    assert body.ret["step"] == "step_0:z:0"
    assert {"step_0"} < {n.name for n in body.node_def}


def test_several_captures_of_an_operation_are_in_its_scope():
    def f(x, y):
        return tf.cond(tf.reduce_sum(x) > 0, lambda: x * y, lambda: y - x)

    _, library = _library(tf.function(f, autograph=False), tf.TensorSpec([2]), tf.TensorSpec([2]))
    names = {tuple(a.name for a in d.signature.input_arg) for d in library.values()}
    assert names == {("cond_mul_x", "cond_mul_y"), ("cond_sub_x", "cond_sub_y")}


def test_functions_of_rows_have_scopes():
    def f(x):
        return tf.map_fn(tf.sin, x), tf.scan(tf.add, x), tf.foldl(tf.add, x), tf.foldr(tf.add, x)

    graph_def, _ = _library(tf.function(f, autograph=False), tf.TensorSpec([3, 2]))
    loops = [n.name for n in graph_def.node if n.op == "StatelessWhile"]
    assert loops == ["map/while", "scan/while", "foldl/while", "foldr/while"]
