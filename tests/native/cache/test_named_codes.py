"""Codes whose object code is kept under a name are neither written nor compiled again."""

import ctypes

import pytest

from penstock._src.core.errors import InternalError
from penstock._src.native import Code, Kernels, Module, NamedCode, host
from penstock._src.native.cache import ObjectCache
from penstock._src.native.language.types import I64
from penstock._src.util import flags

NAME = "0" * 40


class Writer:
    """Writes a function that gives a number, and counts how often."""

    def __init__(self, number, facts=("d0", (1, 2))):
        self.number, self.facts, self.times = number, facts, 0

    def __call__(self):
        self.times += 1
        m = Module()
        with m.fn("answer", ret=I64) as f:
            f.give(f.i64(self.number))
        return Code.of(m, self.facts)

    def code(self, cache, name=NAME):
        found = NamedCode(host(), self.__call__)
        found.name_it(lambda: name, cache)
        return found


def ask(cache, code):
    return Kernels(cache)[code].function("answer", result=ctypes.c_int64)()


@pytest.fixture
def cache(tmp_path):
    return ObjectCache(tmp_path)


def test_what_is_kept_is_not_written(cache):
    first, second = Writer(5), Writer(6)
    assert ask(cache, first.code(cache)) == 5
    code = second.code(cache)
    assert (code.facts, code.exports) == (("d0", (1, 2)), ("answer",))
    assert ask(cache, code) == 5
    assert ask(cache, code) == 5  # its object code was taken and is read again
    assert (first.times, second.times) == (1, 0)


def test_what_is_not_kept_is_written_once(cache):
    for where in (cache, ObjectCache(None)):
        writer = Writer(7)
        code = writer.code(where)
        assert code.facts == writer.facts and "answer" in code.text
        assert ask(where, code) == 7 and writer.times == 1


def test_without_a_name_the_text_is_the_identity(cache):
    codes = [Writer(number).code(cache, None) for number in (8, 8, 9)]
    keys = [code.key for code in codes]
    assert keys[0] == keys[1] != keys[2] and keys[0] == Writer(8)().key
    assert [ask(cache, code) for code in codes] == [8, 8, 9]


def test_a_text_that_other_sources_wrote_is_not_compiled_again(cache):
    names = [str(number) * 40 for number in range(3)]
    first, second = Kernels(cache), Kernels(cache)
    first.load([Writer(5).code(cache, names[0])])
    second.load([Writer(5).code(cache, names[1]), Writer(6).code(cache, names[2])])
    assert (first.statistics.compiled, first.statistics.from_disk) == (1, 0)
    assert (second.statistics.compiled, second.statistics.from_disk) == (1, 1)
    writer = Writer(7)
    assert ask(cache, writer.code(cache, names[1])) == 5 and writer.times == 0


def test_without_the_object_code_the_text_is_compiled_again(cache):
    ask(cache, Writer(5).code(cache))
    cache.path(Writer(5)().key).unlink()
    writer = Writer(5)
    assert ask(cache, writer.code(cache)) == 5 and writer.times == 1


def test_levels_of_optimization_have_object_code_of_their_own(cache):
    counts = []
    for level in (0, 2, 0, 2):
        kernels = Kernels(cache)
        with flags.override(optimize=level):
            kernels.load([Writer(5).code(cache), Writer(6)()])
        counts.append(kernels.statistics.compiled)
    assert counts == [2, 2, 0, 0]


def test_a_damaged_file_is_written_again(cache):
    ask(cache, Writer(5).code(cache))
    path = cache.path(NAME)
    path.write_bytes(path.read_bytes()[:-1])
    writer = Writer(6)
    assert ask(cache, writer.code(cache)) == 6 and writer.times == 1


def test_a_text_that_contradicts_what_was_kept_is_refused(cache):
    ask(cache, Writer(5).code(cache))
    code = Writer(5, facts=("d1",)).code(cache)
    assert code.kept(cache) is not None
    cache.path(NAME).unlink()
    with pytest.raises(InternalError, match="which differ from its text"):
        Kernels(cache).load([code])
