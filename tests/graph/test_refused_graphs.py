"""Graphs that nobody would write are refused as TensorFlow refuses them: by a ValueError that names the node."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.proto.saved import SavedModel

v1 = tf.compat.v1


def graph_of(*nodes):
    definition = v1.GraphDef()
    for name, op, inputs in nodes:
        node = definition.node.add(name=name, op=op, input=inputs)
        if op == "Const":
            node.attr["dtype"].type = 1
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(1.0))
        elif op == "Identity":
            node.attr["T"].type = 1
    return definition


A = ("a", "Const", [])


@pytest.mark.parametrize(
    "nodes, message",
    [
        ([A, A], "Node 'a' is not unique"),
        ([A, ("b", "Identity", ["a:-1"])], "'b'.*invalid output -1 of source node a"),
        ([A, ("b", "Identity", ["a:1"])], "'b'.*invalid output 1 of source node a which has 1"),
        ([A, ("b", "Identity", ["a:x"])], "Unknown input node 'a:x'"),
        ([A, ("b", "Identity", ["a:"])], "Unknown input node 'a:'"),
        ([A, ("b", "Identity", ["^a", "a"])], "'b'.*must come after regular dependencies"),
        ([("", "Const", [])], "invalid characters"),
        ([("a:b", "Const", [])], "Node 'a:b': Node name contains invalid characters"),
        ([("b", "Identity", ["c:0"])], "Node 'b': Unknown input node 'c:0'"),
        ([("a", "Const", ["^a"])], "1 nodes in a cycle"),
        ([("a", "Const", ["^none"])], "'a'.*Unknown input node '.none'"),
        ([A, ("b", "Identity", ["a", "a"])], "'b'.*expected inputs 'float' do not match"),
        ([("b", "Identity", [])], "'b'.*expected inputs 'float' do not match"),
        ([("b", "Identity", ["c"]), ("c", "Identity", ["b"])], "cycle"),
    ],
)
def test_odd_nodes(nodes, message):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        tf.import_graph_def(graph_of(*nodes))


def test_values_of_an_unknown_type():
    definition = graph_of(A)
    definition.node[0].attr["value"].tensor.dtype = 99
    with tf.Graph().as_default(), pytest.raises(ValueError, match="'a'.*no data type 99"):
        tf.import_graph_def(definition)


def test_functions_that_are_missing_or_nest_without_end():
    missing = graph_of(A)
    call = missing.node.add(name="call", op="PartitionedCall")
    call.attr["f"].func.name = "nobody"
    with tf.Graph().as_default(), pytest.raises(ValueError, match="'call'.*nobody"):
        tf.import_graph_def(missing)
    deep = v1.GraphDef()
    for level in range(200):
        function = deep.library.function.add()
        function.signature.name = f"f{level}"
        function.node_def.add(name="inner", op=f"f{level + 1}" if level < 199 else "NoOp")
    deep.node.add(name="outer", op="f0")
    with tf.Graph().as_default(), pytest.raises(ValueError, match="nest deeper"):
        tf.import_graph_def(deep)


def function_of_a_number(library, name, *calls):
    """Adds a function of a number: nodes in a row, described by (op, {attribute: function}, inputs before the number)."""
    function = library.function.add()
    function.signature.name = name
    function.signature.input_arg.add(name="x", type=1)
    function.signature.output_arg.add(name="y", type=1)
    yes = function.node_def.add(name="yes", op="Const")
    yes.attr["dtype"].type = tf.bool.as_datatype_enum
    yes.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(True))
    result = "x"
    for index, (op, functions) in enumerate(calls):
        node = function.node_def.add(name=f"call{index}", op=op, input=[result])
        if "then_branch" in functions:
            node.input.insert(0, "yes:output:0")
            node.attr["Tcond"].type = tf.bool.as_datatype_enum
            node.attr["output_shapes"].list.SetInParent()
        for attribute in ("T",) if op == "Tanh" else ("Tin", "Tout") if functions else ():
            if op == "Tanh":
                node.attr["T"].type = 1
            else:
                node.attr[attribute].list.type.append(1)
        for attribute, called in functions.items():
            node.attr[attribute].func.name = called
        result = f"call{index}:{'output' if functions else 'y'}:0"
    function.ret["y"] = result


def calling(kind, name):
    """A node of a function of a number that calls `name`."""
    if kind == "StatelessIf":
        return kind, {"then_branch": name, "else_branch": name}
    return (name, {}) if kind == "by name" else (kind, {"f": name})


def doubling(kind, depth):
    """A library of f0, f1, ..., each of which calls the next one twice."""
    library = v1.GraphDef().library
    for level in range(depth):
        last = level == depth - 1
        call = ("Tanh", {}) if last else calling(kind, f"f{level + 1}")
        function_of_a_number(library, f"f{level}", call, call)
    return library


KINDS = ("PartitionedCall", "StatefulPartitionedCall", "StatelessIf", "by name")


@pytest.mark.parametrize("kind", KINDS)
def test_functions_that_double_are_refused_at_once(kind):
    definition = v1.GraphDef(library=doubling(kind, 30))
    definition.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    definition.node.add(name="y", op="f0", input=["x"])
    with tf.Graph().as_default(), pytest.raises((ValueError, tf.errors.InvalidArgumentError)) as e:
        tf.import_graph_def(definition)
    assert "expand to more than 65,536 nodes" in str(e.value)


@pytest.mark.parametrize("kind", KINDS)
def test_functions_that_double_a_little_are_computed(kind):
    definition = v1.GraphDef(library=doubling(kind, 2))
    definition.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    definition.node.add(name="y", op="f0", input=["x"])
    with tf.Graph().as_default(), v1.Session() as session:
        x, y = tf.import_graph_def(definition, return_elements=["x:0", "y:0"])
        found = session.run(y, {x: 0.5})
    np.testing.assert_allclose(found, np.tanh(np.tanh(np.tanh(np.tanh(0.5)))), rtol=1e-6)


def test_saved_functions_that_double_are_refused_at_once(tmp_path):
    module = tf.Module()
    module.f = tf.function(tf.tanh, input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, str(tmp_path))
    saved = SavedModel.FromString((tmp_path / "saved_model.pb").read_bytes())
    library = saved.meta_graphs[0].graph_def.library
    (node,) = [n for f in library.function for n in f.node_def if n.op == "Tanh"]
    node.op = "f0"
    library.function.extend(doubling("PartitionedCall", 30).function)
    (tmp_path / "saved_model.pb").write_bytes(saved.SerializeToString())
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="expand to more than"):
        tf.saved_model.load(str(tmp_path)).f(tf.constant(0.5))


def test_errors_name_the_file(tmp_path):
    meta = v1.MetaGraphDef(graph_def=graph_of(("b", "Identity", ["none"])))
    (tmp_path / "odd.meta").write_bytes(meta.SerializeToString())
    with tf.Graph().as_default(), pytest.raises(ValueError, match="'none'.*odd.meta"):
        v1.train.import_meta_graph(str(tmp_path / "odd.meta"))


def test_inputs_of_another_type():
    definition = graph_of(A)
    node = definition.node.add(name="b", op="Identity", input=["a"])
    node.attr["T"].type = tf.float64.as_datatype_enum
    with (
        tf.Graph().as_default(),
        pytest.raises(
            ValueError, match="b was passed float from import/a:0 incompatible with expected double"
        ),
    ):
        tf.import_graph_def(definition)


def test_attributes_that_no_input_gives():
    definition = v1.GraphDef()
    definition.node.add(name="b", op="Identity")
    with tf.Graph().as_default(), pytest.raises(ValueError, match="Node 'b'"):
        tf.import_graph_def(definition)


@tf.function(input_signature=[tf.TensorSpec([2])])
def f(x):
    return x + x


def definition_of_loop_and_call():
    def body(i, x):
        return i + 1, x * 2.0

    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [2])
        tf.while_loop(lambda i, x: i < 3, body, [0, f(x)])
        return graph.as_graph_def()


@pytest.mark.parametrize("verb, argument", [("take", "input_arg"), ("return", "output_arg")])
@pytest.mark.parametrize("what", ["cond", "body", "f"])
def test_functions_that_take_or_return_others_than_their_call(verb, argument, what):
    definition = definition_of_loop_and_call()
    for function in definition.library.function:
        if what in function.signature.name.split("_"):
            arguments = getattr(function.signature, argument)
            old = arguments[-1].name
            arguments.add(name="more", type=1)
            if verb == "return":
                function.ret["more"] = function.ret[old]
    with tf.Graph().as_default(), pytest.raises(ValueError, match=f"{what} must {verb}"):
        tf.import_graph_def(definition)


@pytest.mark.parametrize(
    "present, missing", [([], "attrs 'dtype', 'value'"), (["dtype"], "attr 'value'")]
)
def test_nodes_without_attributes_that_have_no_default(present, missing):
    definition = graph_of(A)
    for name in {"dtype", "value"}.difference(present):
        del definition.node[0].attr[name]
    with tf.Graph().as_default(), pytest.raises(ValueError, match=f"NodeDef missing {missing} .*a"):
        tf.import_graph_def(definition)


@pytest.fixture
def definition():
    with tf.Graph().as_default() as graph:
        tf.identity(tf.compat.v1.placeholder(tf.float32, [2], "x"), "y")
    return graph.as_graph_def()


@pytest.mark.parametrize(
    ("maps", "returns", "message"),
    [
        ("nope:0", None, r"inputs that were not found in graph_def: \[nope:0\]"),
        ("x:1", None, r"inputs that were not found in graph_def: \[x:1\]"),
        ("x", ["z:0"], "Requested return tensor 'z:0' not found"),
        ("x", ["z"], "Requested return node 'z' not found"),
        ("x", ["y:3"], "Invalid return output 3 of node 'y', which has 1 output"),
    ],
)
def test_names_that_a_graph_def_lacks_are_refused(definition, maps, returns, message):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        tf.import_graph_def(definition, {maps: tf.constant([1.0, 2.0])}, returns)


def test_mapped_placeholders_are_imported(definition):
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, {"x": tf.constant([1.0, 2.0], name="c")})
        assert [op.name for op in graph.get_operations()] == ["c", "import/x", "import/y"]
        assert graph.get_operation_by_name("import/y").inputs[0].name == "c:0"


@pytest.mark.parametrize("arguments", [(3,), (None, 3), (None, {3: 1}), (None, None, [3])], ids=str)
def test_arguments_of_another_type_are_refused(definition, arguments):
    with tf.Graph().as_default(), pytest.raises(TypeError, match="[Aa]rgument `"):
        tf.import_graph_def(arguments[0] or definition, *arguments[1:])


def test_graphs_of_other_versions():
    newer, bad = graph_of(A), graph_of(A)
    newer.versions.min_consumer = 100000
    bad.versions.bad_consumers.append(tf.version.GRAPH_DEF_VERSION)
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="min consumer version 100000 above current version"):
            tf.import_graph_def(newer)
        with pytest.raises(ValueError, match="GraphDef disallows consumer version"):
            tf.import_graph_def(bad)


def test_names_of_other_kinds_than_asked_for():
    with tf.Graph().as_default() as graph:
        tf.constant(1, name="x")
        with pytest.raises(ValueError, match="can't both be False"):
            graph.as_graph_element("x", allow_tensor=False, allow_operation=False)
        with pytest.raises(ValueError, match="'x:0' appears to refer to a Tensor"):
            graph.as_graph_element("x:0", allow_tensor=False)
        with pytest.raises(ValueError, match="'x' refers to an Operation, not a Tensor"):
            graph.as_graph_element("x", allow_operation=False)
        with pytest.raises(KeyError, match="refers to an Operation not in the graph"):
            graph.control_dependencies(["none"]).__enter__()
        with pytest.raises(TypeError, match="Can not convert a int into a Tensor or Operation"):
            graph.control_dependencies([3]).__enter__()
        with pytest.raises(TypeError, match="op_type_map must be a dictionary"):
            graph.gradient_override_map({"A": 3}).__enter__()


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ((None,), ValueError, "None values not supported"),
        (([1.5], tf.int32), TypeError, "Expected int32, but got 1.5 of type 'float'"),
        ((["a", 1], tf.string), TypeError, "Expected string, but got 1 of type 'int'"),
        ((["a", 1],), TypeError, "Failed to convert elements of "),
        (([1, 2], None, [1]), ValueError, "Takes at most 1, but got 2"),
    ],
)
def test_values_of_tensor_messages(arguments, error, message):
    with pytest.raises(error, match=message):
        tf.make_tensor_proto(*arguments)


def test_eager_tensors_belong_to_no_graph_but_a_functions():
    eager, variable = tf.constant([1.0, 2.0]), tf.Variable(1.0)
    text = "Attempting to capture an EagerTensor without building a function"
    with tf.Graph().as_default():
        for use in (lambda: eager + 1, lambda: tf.stack([eager]), lambda: variable + 1):
            with pytest.raises(RuntimeError, match=text):
                use()


def test_eager_tensors_are_not_fed():
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [2])
        with tf.init_scope():
            eager = tf.constant([1, 2, 3])
        with pytest.raises(TypeError, match="value of a feed cannot be a tf.Tensor"):
            session.run(x + 1, {x: eager})


def test_branches_may_return_operations():
    variable = tf.Variable(0)

    @tf.function
    def add(wanted):
        tf.cond(wanted, lambda: tf.group(variable.assign_add(1)), lambda: tf.no_op())

    add(tf.constant(True))
    add(tf.constant(False))
    assert variable.numpy() == 1


def test_assertions_of_shapes_return_nothing():
    pairs = [(tf.zeros([2, 3]), ("N", 3))]
    assert tf.function(lambda: tf.debugging.assert_shapes(pairs))() is None
    with tf.Graph().as_default():
        found = v1.debugging.assert_shapes([(v1.placeholder(tf.float32), ("N", 3))])
    assert isinstance(found, tf.Operation)
