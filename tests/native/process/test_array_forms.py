"""The native check of arrays: True only for plain arrays of the dtypes and shapes."""

import numpy as np
import pytest

from penstock._src.core.values.arrays import empty_aligned
from penstock._src.native.process.array_forms import check_of

FLOATS = np.zeros((2, 3), np.float32)
read_only = FLOATS.copy()
read_only.flags.writeable = False
OTHERS = {
    "another shape": np.zeros((3, 2), np.float32),
    "another rank": np.zeros((2, 3, 1), np.float32),
    "another dtype of its size": np.zeros((2, 3), np.int32),
    "the order of columns": np.asfortranarray(np.ones((2, 3), np.float32)),
    "gaps": np.zeros((2, 6), np.float32)[:, ::2],
    "an odd address": np.zeros(25, np.uint8)[1:].view(np.float32).reshape(2, 3),
    "a class of its own": FLOATS.view(np.matrix),
    "a number": np.float32(0),
    "None": None,
    "a text": "text",
}


@pytest.fixture(scope="module")
def check():
    return check_of([(np.dtype(np.float32), (2, 3)), (np.dtype(np.int8), ())])


def test_arrays_of_the_forms_fit(check):
    assert check(FLOATS, np.zeros((), np.int8)) is True


@pytest.mark.parametrize("what", OTHERS)
def test_other_objects_do_not_fit(check, what):
    assert check(OTHERS[what], np.zeros((), np.int8)) is False


def test_read_only_arrays_fit_where_nothing_is_written():
    form = np.dtype(np.float32), (2, 3)
    check = check_of([form, form], written=[1])
    assert check(read_only, FLOATS) is True
    assert check(FLOATS, read_only) is False


def test_views_fit_where_nothing_is_written():
    form = np.dtype(np.float32), (2, 3)
    check = check_of([form, form], written=[1])
    own = empty_aligned((2, 3), form[0])
    for view in (np.zeros((4, 3), np.float32)[1:3], empty_aligned((4, 3), form[0])[1:3], own[:]):
        assert check(view, own) is True
        assert check(own, view) is False


def test_each_argument_is_compared_with_its_own_form(check):
    assert check(np.zeros((), np.int8), FLOATS) is False


@pytest.mark.parametrize("count", [0, 1, 3])
def test_arguments_are_counted(check, count):
    assert check(*[FLOATS] * count) is False


def test_no_arguments_fit_no_forms():
    assert check_of([])() is True
