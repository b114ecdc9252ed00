"""Operations by the names of their definitions, and those of TensorFlow's test library."""

import pytest

import penstock as tf
from penstock._src.bridge.python.framework import test_ops as operations
from penstock._src.bridge.python.framework.op_def_library import apply_op


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.mark.usefixtures("graph")
def test_an_operation_has_the_types_of_its_definition():
    assert apply_op("Simple", a=3).dtype is tf.float32
    assert [t.dtype for t in apply_op("OutTypeList", T=[tf.string, tf.bool])] == [
        tf.string,
        tf.bool,
    ]
    struct = apply_op("ComplexStruct", n_a=1, n_b=0, t_c=[tf.bool])
    assert [len(part) for part in struct] == [1, 0, 1]
    assert apply_op("AttrDefault", a=None).get_attr("a") == b"banana"
    assert apply_op("FuncAttr", f="name").node_def.attr["f"].func.name == "name"


@pytest.mark.usefixtures("graph")
def test_constants_in_lists_are_numbered():
    node = apply_op("NIntsIn", a=[1, 2]).node_def
    assert list(node.input) == ["NIntsIn/a_0", "NIntsIn/a_1"]


@pytest.mark.usefixtures("graph")
@pytest.mark.parametrize(
    "op, arguments, error, message",
    [
        ("unknown", {}, RuntimeError, "Unrecognized Op name unknown"),
        ("Simple", {}, TypeError, "No argument for input a"),
        ("Simple", {"a": 6, "c": 1, "b": 2}, TypeError, "unexpected keyword arguments: b, c"),
        ("Simple", {"a": "x"}, TypeError, "Expected int32, but got x of type 'str'"),
        ("Simple", {"a": None}, ValueError, "Tried to convert 'a' to a tensor and failed"),
        ("Polymorphic", {"a": 1, "T": tf.bool}, TypeError, "inferred attr 'T'"),
        ("PolymorphicOut", {"T": "x"}, TypeError, "Expected DataType for argument 'T'"),
        ("OutTypeList", {"T": tf.bool}, TypeError, "Expected list for attr T, obtained DType"),
        ("Attr", {"a": "x"}, TypeError, "Expected int for argument 'a' not 'x'"),
        ("AttrShape", {"a": "x"}, TypeError, "Error converting 'x'"),
        ("AttrListMin", {"a": [1]}, ValueError, "list of length 1 less than minimum 2"),
        ("NIntsIn", {"a": [1]}, ValueError, "length 1 shorter than minimum length 2"),
        ("NIntsIn", {"a": [1, "x"]}, TypeError, r"\[int32, string\] that do not match expected"),
        ("NPolymorphicIn", {"a": [1, "x"]}, TypeError, "that don't all match"),
        (
            "NInTwice",
            {"a": [1], "b": []},
            ValueError,
            "length 0 must match length 1 of argument 'a'",
        ),
        ("InPolymorphicTwice", {"a": [1], "b": ["x"]}, TypeError, "inferred from earlier"),
        ("NInPolymorphicTwice", {"a": [], "b": []}, TypeError, "infer type variable from empty"),
        ("TypeListTwice", {"a": [1], "b": ["x"]}, TypeError, "type list of string that does not"),
    ],
)
def test_what_does_not_fit_is_refused(op, arguments, error, message):
    with pytest.raises(error, match=message):
        apply_op(op, **arguments)


def test_few_operations_have_kernels():
    assert operations.kernel_label().numpy() == b"My label is: default"
    handle = operations.stub_resource_handle_op(shared_name="kept")
    assert not operations.resource_initialized_op(handle).numpy()
    operations.resource_create_op(handle)
    assert operations.resource_initialized_op(handle).numpy()
    with pytest.raises(tf.errors.AlreadyExistsError):
        operations.resource_create_op(handle)
    with pytest.raises(tf.errors.NotFoundError, match="no registered kernels"):
        operations.int_attr(7)


@pytest.mark.usefixtures("graph")
def test_a_removed_operation_is_refused():
    with pytest.raises(NotImplementedError, match="removed in version 8. For reasons"):
        operations.old()


def test_the_device_is_that_of_the_operation():
    with tf.device("CPU:1"):
        assert operations.device_placement_op().numpy().endswith(b"/device:CPU:1")
