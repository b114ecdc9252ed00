"""Functions wrapped from code of TensorFlow 1: what runs; against TensorFlow 2.21."""

import penstock as tf

v1 = tf.compat.v1


def test_only_what_results_need_runs():
    variable = tf.Variable(2.0)

    def function(x):
        value = variable.read_value()
        variable.assign_add(100.0)
        return value + x

    assert v1.wrap_function(function, [tf.TensorSpec([])])(tf.constant(1.0)) == 3.0
    assert variable == 2.0


def test_all_side_effects_run_without_results():
    variable = tf.Variable(2.0)
    v1.wrap_function(lambda x: [variable.assign_add(x), None][1], [tf.TensorSpec([])])(5.0)
    assert variable == 7.0


def test_pruned_functions_leave_the_rest():
    variable = tf.Variable(2.0)

    def function():
        x = v1.placeholder(tf.float32, [], name="x")
        variable.assign(0.0)
        with tf.control_dependencies([variable.assign_add(x).op]):
            tf.identity(x, name="done")

    wrapped = v1.wrap_function(function, [])
    graph = wrapped.graph
    add = wrapped.prune(graph.get_tensor_by_name("x:0"), graph.get_operation_by_name("done"))
    add(tf.constant(3.0))
    assert variable == 5.0


def test_variables_of_the_default_graph_are_none_of_a_wrapped_function():
    with tf.compat.v1.get_default_graph().as_default():
        tf.compat.v1.get_variable("of_the_default_graph", initializer=1.0)
    test_imported_variables_are_lifted_out_of_the_graph()


def test_imported_variables_are_lifted_out_of_the_graph():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [], "x")
        tf.multiply(x, tf.compat.v1.get_variable("v", initializer=3.0), name="z")
        meta = tf.compat.v1.train.export_meta_graph(graph=graph)
    wrapped = tf.compat.v1.wrap_function(
        lambda: tf.compat.v1.train.import_meta_graph(meta) and None, []
    )
    (variable,) = wrapped.variables
    wrapped.prune([], wrapped.graph.get_operation_by_name("v/Assign"))()
    product = wrapped.prune("x:0", "z:0")
    with tf.GradientTape() as tape:
        y = product(tf.constant(2.0))
    assert (y.numpy(), tape.gradient(y, variable).numpy()) == (6.0, 2.0)
    variable.assign(10.0)
    assert product(tf.constant(2.0)).numpy() == 20.0
