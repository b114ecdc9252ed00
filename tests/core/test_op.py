"""Ops with the same attributes are one object, for as long as a class remembers them."""

from penstock._src.core import dtypes
from penstock._src.core.op import MOST_INSTANCES
from penstock._src.core.registry import find
from penstock._src.ops.control.python_call import EagerPyFunc


def test_ops_with_the_same_attributes_are_one():
    attrs = {"Tin": (), "Tout": (), "is_async": False, "token": "same"}
    assert EagerPyFunc.instance(attrs) is EagerPyFunc.instance(dict(attrs))


def test_attributes_stand_in_any_order():
    reshape = find("Reshape")
    one = reshape.instance({"Tshape": dtypes.int32, "T": dtypes.int64})
    other = reshape.instance({"T": dtypes.int32, "Tshape": dtypes.int64})
    assert one is reshape.instance({"T": dtypes.int64, "Tshape": dtypes.int32})
    assert (one.output_dtypes, other.output_dtypes) == ((dtypes.int64,), (dtypes.int32,))


def test_a_class_does_not_remember_every_token():
    for number in range(MOST_INSTANCES + 10):
        EagerPyFunc.instance({"Tin": (), "Tout": (), "is_async": False, "token": str(number)})
    assert len(EagerPyFunc._instances) <= MOST_INSTANCES
