"""Native code of the process: what is kept, and what is unloaded."""

import ctypes
import gc
import weakref

import pytest

from penstock._src.native import Code, NamedCode, host, kernels
from penstock._src.native.cache import ObjectCache
from penstock._src.native.kernels import Kernels
from penstock._src.native.language.module import Module
from penstock._src.native.language.types import I64

pytestmark = pytest.mark.usefixtures("new_objects_only")

KEPT = 4


def code(number: int) -> Code:
    module = Module()
    with module.fn("give", ret=I64) as f:
        f.give(f.i64(number))
    return Code.of(module)


@pytest.fixture
def few() -> Kernels:
    """Kernels of which little is kept for others to come."""
    kernels()
    made = Kernels(ObjectCache(None), threads=1)
    made._libraries.size = KEPT
    return made


def test_code_that_nobody_uses_is_unloaded(few):
    loaded = [weakref.ref(few[code(number)]) for number in range(3 * KEPT)]
    gc.collect()
    assert [r() is not None for r in loaded] == [False] * 2 * KEPT + [True] * KEPT


def test_code_in_use_stays_where_it_is(few):
    first = few[code(0)]
    for number in range(1, 3 * KEPT):
        few[code(number)]
    before = few.statistics.compiled
    assert few[code(0)] is first and few.statistics.compiled == before
    assert first.function("give", result=ctypes.c_int64)() == 0


def test_code_that_was_unloaded_is_loaded_again(few):
    for number in range(3 * KEPT):
        few[code(number)]
    assert few[code(0)].function("give", result=ctypes.c_int64)() == 0
    assert few.statistics.compiled == 3 * KEPT + 1


def test_libraries_of_many_linkers_work_side_by_side(few):
    functions = [few[code(n)].function("give", result=ctypes.c_int64) for n in range(70)]
    assert [give() for give in functions] == list(range(70))


def test_finished_code_keeps_no_second_copy_of_its_text():
    module = Module()
    with module.fn("give", ret=I64) as f:
        f.give(f.i64(7))
    made = Code.of(module)
    assert "ret i64 7" in made.text and not module.parts and not f.lines
    assert Code.of(module) is made
    with pytest.raises(ValueError, match="must be defined before the code is finished"):
        module.fn("more")


def named(name: str, number: int, cache: ObjectCache) -> NamedCode:
    made = NamedCode(host(), lambda: code(number))
    made.name_it(lambda: name, cache)
    return made


def test_texts_of_several_names_are_compiled_once(tmp_path):
    kernels()
    cache = ObjectCache(tmp_path)
    loader = Kernels(cache, threads=2)
    codes = [named(name, number, cache) for name, number in (("a", 1), ("b", 2), ("c", 1))]
    libraries = loader.load(codes)
    a, b, c = (libraries[each.key] for each in codes)
    assert a is c and a is not b and loader.statistics.compiled == 2
    assert b.function("give", result=ctypes.c_int64)() == 2
    later = Kernels(cache, threads=1)
    later.load([named("c", 1, cache), named("a", 1, cache)])
    assert (later.statistics.compiled, later.statistics.from_disk) == (0, 2)
