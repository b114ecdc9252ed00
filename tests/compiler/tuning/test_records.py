"""Records of tuned products: kept in a file, found by product and machine, harmless when broken."""

import dataclasses

import numpy as np
import pytest

from penstock._src.compiler.codegen import tuning_records as records
from penstock._src.compiler.codegen.cpu import CpuGenerator
from penstock._src.compiler.codegen.processors import Blocking, blocking_of
from penstock._src.compiler.codegen.tuning_records import TuningRecords, signature
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import plan_function
from penstock._src.compiler.recognize.contractions.match import match
from penstock._src.compiler.tuning.search import Fixed, neighbors
from penstock._src.core import dtypes
from penstock._src.ir.function import Function
from penstock._src.native import host, pool
from penstock._src.runtime.load import load

OTHER = Blocking(depth=16, columns=64, tile=(3, 1), cut="blocks")


def product(m=37, k=50, n=70):
    p = LoweringContext()
    a, b = p.parameter(0, (m, k), dtypes.float32), p.parameter(1, (k, n), dtypes.float32)
    return Function("product", (a, b), (p.contract("mk,kn->mn", a, b),))


def found(function):
    return match(function.results[0])


def test_a_file_gives_back_what_was_written(tmp_path):
    kept = TuningRecords()
    kept.add(host(), 2, "some product", OTHER)
    kept.write(tmp_path / "deep" / "tuning.json")
    assert TuningRecords.read(tmp_path / "deep" / "tuning.json").found == kept.found
    assert [x.name for x in (tmp_path / "deep").iterdir()] == ["tuning.json"]


def test_a_record_holds_for_its_product_and_machine_only():
    kept, one = TuningRecords(), found(product())
    kept.add(host(), 2, signature(one.description), OTHER)
    assert kept.find(one, host(), 2) == OTHER
    assert kept.find(one, host(), 3) is None
    assert kept.find(one, dataclasses.replace(host(), cpu="another"), 2) is None
    assert kept.find(found(product(m=38)), host(), 2) is None


@pytest.mark.parametrize("text", ["", "[]", '{"version": 99}', '{"version": 1, "machines": 3}'])
def test_a_broken_file_is_passed_over(tmp_path, monkeypatch, text):
    path = tmp_path / "tuning.json"
    path.write_text(text)
    monkeypatch.setattr(records, "default_path", lambda: path)
    assert records.stored.__wrapped__().found == {}
    with pytest.raises(ValueError, match="tuning.json does not hold tuning records"):
        TuningRecords.read(path)


def test_results_do_not_depend_on_the_blocking():
    function = product()
    a, b = (np.random.default_rng(0).random(x.shape, np.float32) for x in function.parameters)
    for blocking in [
        OTHER,
        *list(neighbors(blocking_of(host()), found(function).description, host()))[::9],
    ]:
        with records.using(Fixed(blocking)):
            program = load(plan_function(function, CpuGenerator(host()), pool().threads))
        np.testing.assert_allclose(program(a, b)[0], a @ b, rtol=1e-5)
