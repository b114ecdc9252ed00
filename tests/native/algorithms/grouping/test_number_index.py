"""Different whole numbers are found and numbered as a dict does it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from penstock._src.native.algorithms.grouping.number_index import NumberIndex, numbered

WORDS = st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-3, 3) | st.integers(0, 20).map(lambda n: n << 32)  # fmt: skip


@given(st.lists(WORDS, max_size=300))
def test_values_are_numbered_in_order_of_appearance(values):
    places = {}
    expected = [places.setdefault(value, len(places)) for value in values]
    first, numbers = numbered(np.array(values, np.int64))
    assert numbers.tolist() == expected
    assert [values[at] for at in first.tolist()] == list(places)


@given(st.sets(WORDS, min_size=1, max_size=200), st.lists(WORDS, max_size=200))
def test_numbers_of_keys_are_found(keys, others):
    keys = list(keys)
    index, wanted = NumberIndex(np.array(keys, np.int64)), keys + others
    places = {key: at for at, key in enumerate(keys)}
    found = index.find(np.array(wanted, np.int64))
    assert found.tolist() == [places.get(value, -1) for value in wanted]


def test_many_values_with_equal_lower_bits():
    values = np.arange(100_000, dtype=np.int64) << 40
    first, numbers = numbered(np.concatenate([values, values[::-1]]))
    assert (first == np.arange(100_000)).all()
    assert (numbers[100_000:] == np.arange(100_000)[::-1]).all()


def test_keys_of_a_table_that_grew_are_found():
    keys = np.arange(5000, dtype=np.int64) * 0x1234567
    found = NumberIndex(keys).find(np.concatenate([keys[::-1], keys + 1]))
    assert (found[:5000] == np.arange(5000)[::-1]).all()
    assert (found[5000:] == -1).all()


def test_values_of_a_small_range_are_numbered_in_their_own_slots():
    values = np.array([7, 7, -3, 2**31 - 1, 7, -(2**31)], np.int32)
    for x in (values, values[:3], values[:1], values[:0]):
        first, numbers = numbered(x, np.int32)
        assert numbers.dtype == np.int32
        assert (x[first][numbers] == x).all()
        assert first.tolist() == sorted(first.tolist())
