"""The search for blockings, with the seconds of each blocking given, as measured ones differ from run to run."""

import dataclasses

import pytest

from penstock._src.compiler.codegen.cpu import CpuGenerator
from penstock._src.compiler.codegen.processors import Blocking
from penstock._src.compiler.codegen.tuning_records import signature
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import plan_function
from penstock._src.compiler.tuning import search as module
from penstock._src.compiler.tuning.search import MARGIN, Product, recording, search
from penstock._src.core import dtypes
from penstock._src.ir.function import Function
from penstock._src.native import host, pool
from penstock._src.runtime.load import load

FIRST = Blocking(depth=96, tile=(1, 1), cut="blocks")
SECOND, THIRD = (dataclasses.replace(FIRST, tile=tile) for tile in [(2, 1), (3, 1)])


def recorded(extent):
    """The record of a square product that a program compiled and ran."""
    p = LoweringContext()
    a, b = (p.parameter(i, (extent, extent), dtypes.float32) for i in range(2))
    function = Function("product", (a, b), (p.contract("mk,kn->mn", a, b),))
    with recording() as products:
        load(plan_function(function, CpuGenerator(host()), pool().threads))
    (one,) = products.values()
    return one


@pytest.fixture
def searched(monkeypatch):
    """Searches among the three blockings, whose times in seconds are given for each comparison in turn."""

    def find(*comparisons):
        times = iter(comparisons)
        monkeypatch.setattr(module, "blocking_of", lambda target: FIRST)
        monkeypatch.setattr(module, "neighbors", lambda best, gemm, target: [SECOND, THIRD])
        monkeypatch.setattr(Product, "program", lambda self, blocking: blocking)

        def compare(self, old, new):
            seconds = next(times)
            return seconds[old], seconds[new]

        monkeypatch.setattr(Product, "compare", compare)
        return search(recorded(16).match, host(), 60.0)

    return find


def test_the_search_takes_the_fastest(searched):
    times = {FIRST: 6.0, SECOND: 3.0, THIRD: 2.0}
    finding = searched(times, times, times)
    assert (finding.blocking, finding.gain, finding.seconds) == (THIRD, 3.0, 2.0)


def test_small_differences_are_noise(searched):
    times = {FIRST: 1.0, SECOND: 1.01 / MARGIN, THIRD: 1.0}
    finding = searched(times, times)
    assert (finding.blocking, finding.gain) == (FIRST, 1.0)


def test_a_winner_that_does_not_win_again_is_left(searched):
    lucky, again = {FIRST: 4.0, SECOND: 2.0, THIRD: 4.0}, {FIRST: 2.0, SECOND: 2.0}
    finding = searched(lucky, lucky, again)
    assert (finding.blocking, finding.gain) == (FIRST, 1.0)


def test_the_calls_that_are_compared_multiply(monkeypatch):
    one = recorded(24)
    product = Product(one.match, host())
    monkeypatch.setattr(module, "TURN_SECONDS", 0.001)
    calls = [product.program(blocking) for blocking in (FIRST, THIRD)]
    left, right = product.arrays
    for call in calls:
        (result,) = call()
        assert abs(result - left @ right).max() < 1e-4
    assert min(product.compare(*calls)) > 0


def test_a_finding_names_its_product(searched):
    times = {FIRST: 6.0, SECOND: 7.0, THIRD: 7.0}
    finding = searched(times, times)
    assert finding.product == signature(recorded(16).match.description)
