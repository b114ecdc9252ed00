"""What is looked at before native code reads an argument."""

import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.core.values.arrays import aligned_copy
from penstock._src.core.values.resources import VariableHandle
from penstock._src.runtime.signature import signature_of


@pytest.fixture
def signature():
    p = LoweringContext()
    x = p.parameter(0, (2, 3), dtypes.float32)
    return signature_of(p.function("f", [x], [x * 2.0]))


def test_a_fitting_array_is_taken_as_it_is(signature):
    array = np.ones((2, 3), np.float32)
    assert signature.arrays_of([array])[0] is array


def test_an_array_in_another_order_is_copied(signature):
    array = np.arange(6, dtype=np.float32).reshape(3, 2).T
    (taken,) = signature.arrays_of([array])
    assert taken.flags.carray
    np.testing.assert_array_equal(taken, array)


@pytest.mark.parametrize("shape, dtype", [((3, 2), np.float32), ((2, 3), np.float64)])
def test_an_array_of_another_type_is_refused(signature, shape, dtype):
    with pytest.raises(InvalidArgumentError, match="argument 0"):
        signature.arrays_of([np.ones(shape, dtype)])


def test_arguments_are_counted(signature):
    with pytest.raises(InvalidArgumentError, match="1 arguments are required"):
        signature.arrays_of([])


def test_values_of_variables_are_taken_as_they_are_unless_they_are_shared():
    p = LoweringContext()
    handle = p.parameter(0, (), dtypes.resource, variable=((2, 3), dtypes.float32))
    p.assign_variable(handle, p.read_variable(handle) * 2.0)
    signature = signature_of(p.function("f", [handle], []))
    variable = VariableHandle((2, 3), dtypes.float32, value=np.ones((2, 3), np.float32))
    address = variable.value.ctypes.data
    assert signature.arrays_of([variable])[0].ctypes.data == address
    reader = variable.value
    (taken,) = signature.arrays_of([variable])
    assert taken is variable.value is not reader
    np.testing.assert_array_equal(taken, reader)


def test_the_value_of_an_assigned_variable_is_no_view():
    p = LoweringContext()
    handle = p.parameter(0, (), dtypes.resource, variable=((2, 3), dtypes.float32))
    p.assign_variable(handle, p.read_variable(handle) * 2.0)
    signature = signature_of(p.function("f", [handle], []))
    for whole in (np.ones((4, 3), np.float32), aligned_copy(np.ones((4, 3), np.float32))):
        variable = VariableHandle((2, 3), dtypes.float32, value=whole[1:3])
        (taken,) = signature.arrays_of([variable])
        assert taken is variable.value and not np.shares_memory(taken, whole)
        del taken
        address = variable.value.ctypes.data
        assert signature.arrays_of([variable])[0].ctypes.data == address


@pytest.mark.parametrize("is_other", [False, True])
def test_an_argument_that_does_not_fit_makes_no_variable_shared(is_other):
    p = LoweringContext()
    handle = p.parameter(0, (), dtypes.resource, variable=((2, 3), dtypes.float32))
    x = p.parameter(1, (2, 3), dtypes.float32)
    p.assign_variable(handle, p.read_variable(handle) + x)
    signature = signature_of(p.function("f", [handle, x], []))
    variable = VariableHandle((2, 3), dtypes.float32, value=np.ones((2, 3), np.float32))
    address = variable.value.ctypes.data
    argument = np.ones((3, 2), np.float32).T if is_other else np.ones((2, 3), np.float32)
    argument.flags.writeable = False  # as arrays of mapped files
    assert signature.arrays_of([variable, argument])[0].ctypes.data == address


def test_a_variable_without_value_is_refused():
    p = LoweringContext()
    handle = p.parameter(0, (), dtypes.resource, variable=((2, 3), dtypes.float32))
    signature = signature_of(p.function("f", [handle], [p.read_variable(handle) * 2.0]))
    with pytest.raises(FailedPreconditionError, match="Could not find variable"):
        signature.arrays_of([VariableHandle((2, 3), dtypes.float32)])
