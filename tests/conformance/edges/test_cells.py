"""Eager, native, compiled and interpreted calls agree where numbers end: a part of the cells, of which `cells.py` runs all."""

import numpy as np
import pytest

from tests.conformance.edges import cells

BATCHES = list(cells.batches(share=5))


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch[0].name)
def test_all_ways_agree(batch):
    with np.errstate(all="ignore"):
        found = list(cells.cells(batch))
    assert found
    assert not [str(cell) for cell in found if cell.count > cell.allowed]


def test_a_number_that_differs_is_seen():
    edge = next(edge for edge in cells.edges() if edge.name == "Neg float32")
    (wanted,) = cells.values_of(edge, edge.inputs)
    made = wanted.copy()
    made[-1] += 1
    assert cells.Cell(edge, "plain", "compiled", [made], [wanted], ...).count == 1
    assert cells.Cell(edge, "plain", "compiled", [wanted[:1]], [wanted], ...).count == 1
    assert cells.Cell(edge, "plain", "compiled", ValueError(), [wanted], ...).count == 1
    assert cells.Cell(edge, "plain", "compiled", [wanted], [wanted], ...).count == 0
