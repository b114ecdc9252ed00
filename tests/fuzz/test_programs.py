"""Random programs give the same eagerly, interpreted and compiled, with each part of the compiler left out in turn.

A fixed share of what `make fuzz` draws; FUZZ_PROGRAMS draws that many others, from FUZZ_SEED on.
"""

import os

import pytest

import penstock as tf
from penstock._src.util import flags
from tests.fuzz.programs import oracles, worker
from tests.fuzz.programs.drawing import draw
from tests.fuzz.programs.program import Parameter, Program, Step, standalone
from tests.fuzz.programs.worker import ways_of

FIRST = int(os.environ.get("FUZZ_SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("FUZZ_PROGRAMS", "40")))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", SEEDS)
def test_program(seed):
    with flags.override(optimize=0):
        with oracles.eagerly(tf):
            program = draw(tf, seed)
        if program is None:
            pytest.skip("nothing came of this seed")
        failures = oracles.check(tf, program, ways_of(seed))
    if failures:
        first = failures[0]
        text = standalone(program, first.sample)
        pytest.fail(f"{first}\n(make fuzz SEED={seed} makes it smaller)\n{text}", pytrace=False)


def test_a_worker_without_memory_for_a_program_goes_on(monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(worker, "draw", full)
    report = worker.run(3)
    assert (report["seed"], report["steps"], report["finds"]) == (3, 0, [])


@pytest.mark.parametrize("factors", ("[1e30, 1e30, 0.0]", "[2.0**-100] * 2 + [2.0**100] * 2"))
def test_a_product_that_hangs_on_the_order_of_its_factors_is_not_compared(factors):
    numbers = Parameter("v0", "float32", ((1,),), (None,), 0)
    product = Step(("t0",), f"tf.reduce_prod(tf.constant({factors}) + 0.0 * v0)")
    program = Program(0, (numbers,), (product,), ("t0",), 1)
    assert oracles.expect(tf, program, 0).tolerances == [None]
