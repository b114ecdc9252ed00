"""Ops with the same attributes are one object, for as long as a class remembers them."""

import pytest

from penstock._src.core import dtypes
from penstock._src.core.calls.binding import complete
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


def test_defaults_are_filled_in_once_for_the_same_attributes(monkeypatch):
    product = find("MatMul")
    checked = []
    make = product.instance
    monkeypatch.setattr(product, "instance", lambda attrs: checked.append(attrs) or make(attrs))
    monkeypatch.setattr(product, "completed", {})
    stated = {"T": dtypes.float32, "transpose_a": True}
    one = complete(product, dict(stated), True)
    assert complete(product, dict(stated), True) is one and len(checked) == 1
    assert one is not complete(product, stated | {"transpose_b": True}, True)
    assert (one.transpose_a, one.transpose_b) == (True, False)


def test_attributes_that_are_refused_are_refused_each_time():
    for _ in range(2):
        with pytest.raises(TypeError, match="not in list of allowed values"):
            complete(find("MatMul"), {"T": dtypes.string}, True)
        with pytest.raises(TypeError, match="missing attribute 'DstT'"):
            complete(find("Cast"), {"SrcT": dtypes.float32}, True)


def test_negative_zero_is_another_attribute():
    leaky = find("LeakyRelu")
    zeros = [
        complete(leaky, {"T": dtypes.float32, "alpha": alpha}, True).alpha for alpha in (0.0, -0.0)
    ]
    assert str(zeros) == "[0.0, -0.0]"
