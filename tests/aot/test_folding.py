"""Which nodes of a model are computed when it is built."""

from types import SimpleNamespace

from penstock._src.aot.model.folding import _can_be_known
from penstock._src.core import dtypes
from penstock._src.ir.extents.dims import Dim


def test_parts_at_places_that_extents_decide_are_computed_in_each_call():
    begin = Dim.symbol("d0") % 5
    here, there = (
        SimpleNamespace(
            kind="slice", results=None, dtype=dtypes.float32, shape=(64, 40),
            attrs={"starts": (at, 0), "limits": (at + 64, 40), "strides": (1, 1)},
        )
        for at in (3, begin)
    )  # fmt: skip
    assert _can_be_known(here) and not _can_be_known(there)
