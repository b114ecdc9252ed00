"""Objects of CPython and NumPy are laid out as native code assumes; where one is not, native code makes no calls."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import penstock
from penstock._src.bridge.cli.doctor import trial
from penstock._src.core.errors import InternalError, UnimplementedError
from penstock._src.native import kernels
from penstock._src.native import python_calls as py
from penstock._src.native.code import ModuleCode
from penstock._src.native.language.types import PTR
from penstock._src.util.process import layout_samples, layouts
from penstock._src.util.process.layouts import KINDS, LAYOUTS, Layouts, kind_of

# Falsifies a layout of each kind; then no call is made by native code, and Python's results are right. At last, with the true layouts, native code makes them.
PROGRAM = """
import sys
import numpy as np
import penstock as tf
from penstock._src.eager import execute
from penstock._src.util.process import layouts
from penstock._src.util.process.layouts import KINDS, LAYOUTS, OF_ALL_CODE, kind_of

execute.OFTEN, execute.MANY = 1, 0
NATIVE = "penstock._src.native.process.eager_calls."
x, v = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.Variable([0.0, 0.0])

def calls():
    v.assign([1.0, 2.0])
    v.assign_add(tf.constant([1.0, 1.0]))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(tf.nn.softmax(x * x), axis=1)
    results = [x + x, x[0, 1], x[:, :1], tf.reduce_sum(x, axis=1), *tf.nn.moments(x, [0]), *tf.unstack(x),
               *tf.math.top_k(x, 1), tf.where(x > 2), v.read_value(), tape.gradient(y, x), tf.math.softmax(x), -x]
    return [np.asarray(result).tolist() for result in results]

def often(count=6):
    results = [calls() for _ in range(count)]
    assert all(result == results[0] for result in results)
    return results[0]

def made_natively():
    return {name.removeprefix(NATIVE) for name in sys.modules if name.startswith(NATIVE)}

def falsified(kind):
    name = next(name for name in LAYOUTS._fields if name.partition("_")[0] == kind)
    layouts.LAYOUTS = LAYOUTS._replace(**{name: getattr(LAYOUTS, name) + 1})

def successor():
    return tf.function(lambda x: x + 1.0, autograph=False)

def is_direct(function):
    for _ in range(20):
        assert np.asarray(function(x)).tolist() == [[2.0, 3.0], [4.0, 5.0]]
    last = function.get_concrete_function(x).graph_function.executable.block.last
    return last is not None and bool(last[0].direct)

expected = None
for kind in KINDS:
    falsified(kind)
    got = often()
    expected = expected or got
    assert got == expected and not made_natively(), (kind, made_natively())
    if kind in OF_ALL_CODE:
        try:
            successor()(x)
        except tf.errors.UnimplementedError as error:
            assert kind in str(error)
        else:
            raise AssertionError(kind)
for kind in KINDS:
    if kind not in OF_ALL_CODE:
        falsified(kind)
        assert not is_direct(successor()), kind
layouts.LAYOUTS = LAYOUTS
assert often(2000) == expected
print(sorted(made_natively()), is_direct(successor()))
"""


def falsified(field, by=1):
    return LAYOUTS._replace(**{field: getattr(LAYOUTS, field) + by})


def test_objects_are_laid_out_as_stated():
    assert layout_samples.differing() == ()


@pytest.mark.parametrize("by", [-1, 1, 2])
@pytest.mark.parametrize("field", Layouts._fields)
def test_samples_find_what_is_laid_out_otherwise(field, by, monkeypatch):
    monkeypatch.setattr(layouts, "LAYOUTS", falsified(field, by))
    assert kind_of(field) in layout_samples.differing()
    assert not layout_samples.admits_native_calls()
    with pytest.raises(UnimplementedError, match=f"Python {sys.version_info[0]}.*{kind_of(field)}"):
        ModuleCode(reads(field), (), kernels().cache, kinds=(kind_of(field),))


def reads(*fields):
    """Writes a module with a function that reads these fields of its argument."""

    def write(m):
        with m.fn("read", ret=PTR, argument=PTR) as f:
            for field in fields:
                value = f.load(f.argument, py.field(f, field), PTR)
            f.give(value)

    return write


@pytest.mark.parametrize("field", Layouts._fields)
def test_code_is_cached_under_the_layouts_that_it_uses(field, monkeypatch):
    others = tuple(kind for kind in KINDS if kind != kind_of(field))

    def identities():
        codes = [ModuleCode(reads(field), (), kernels().cache, kinds=kinds) for kinds in (KINDS, others)]  # fmt: skip
        return [code.identity for code in codes]

    before = identities()
    monkeypatch.setattr(layouts, "LAYOUTS", falsified(field))
    monkeypatch.setattr(layout_samples, "differing", lambda kinds: ())
    after = identities()
    assert before[0] != after[0] and before[1] == after[1]


def test_code_with_a_layout_that_its_key_lacks_is_refused():
    code = ModuleCode(reads("object_type", "slice_start"), (), kernels().cache, kinds=("object",))
    with pytest.raises(InternalError, match="slice"):
        _ = code.text


def test_the_doctor_names_what_is_laid_out_otherwise(monkeypatch):
    assert [finding.level for finding in trial.native_calls()] in (["ok"], ["note"])
    for field, level in (("tuple_items", "note"), ("ndarray_rank", "problem")):
        monkeypatch.setattr(layouts, "LAYOUTS", falsified(field))
        (finding,) = trial.native_calls()
        assert finding.level == level and kind_of(field) in finding.what and finding.remedy


@pytest.mark.skipif(layouts.FREE_THREADED, reason="native code makes no calls without the GIL")
def test_python_makes_the_calls_where_an_object_is_laid_out_otherwise():
    environment = dict(os.environ, PYTHONPATH=str(Path(penstock.__file__).parents[1]))
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    made = ["direct_calls", "item_calls", "loop_calls", "op_calls", "results", "variable_calls"]
    assert ran.stdout.split("\n")[0] == f"{made} True"
