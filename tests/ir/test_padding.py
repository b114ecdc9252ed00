"""Padded copies pay where windows overlap often, or channels are few."""

import pytest

from penstock._src.ir.extents.dims import Dim
from penstock._src.ir.meaning.padding import is_padded_first


@pytest.mark.parametrize(
    ("channels", "size", "stride", "expected"),
    [
        (64, 3, 1, True),
        (64, 3, 2, False),
        (4, 3, 2, True),
        (8, 2, 1, True),
        (9, 2, 1, False),
        (1, 2, 2, False),
        (Dim.symbol("d0"), 3, 1, False),
    ],
)
def test_windows_that_overlap_often_or_have_few_channels_are_padded_first(
    channels, size, stride, expected
):
    assert is_padded_first(channels, (size, size), (stride, stride)) == expected
