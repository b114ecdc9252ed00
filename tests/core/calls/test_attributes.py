"""Keys of attributes are equal for equal values only."""

import itertools

from penstock._src.core.calls.attributes import attribute_key


def test_keys_of_lists_of_numbers_tell_signs_of_zeros_and_types():
    numbers = [float(i) for i in range(20)]
    lists = [
        numbers,
        [-0.0, *numbers[1:]],
        [1e-300, *numbers[1:]],
        [0, *numbers[1:]],
        numbers[:-1],
    ]
    for one, other in itertools.combinations(lists, 2):
        assert attribute_key(one) != attribute_key(other)
    assert attribute_key(numbers) == attribute_key(tuple(numbers))
