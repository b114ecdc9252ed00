"""Mutants are single changes that compile, and take the place of code that is loaded."""

import types

import pytest

from tests.mutation.mutants import mutants_of
from tests.mutation.running import change

SOURCE = '''"""A module."""

LIMIT = 8


def chosen(x: int | None, *, least=3) -> bool:
    """Whether x is among them."""
    if x is None:
        raise ValueError(f"no {1 + 1}")
    seen = []
    seen.append(x)
    return (x - least <
            LIMIT) and not x % 2


def later(x):
    return [lambda y: x - y]
'''


@pytest.fixture
def mutants(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    return mutants_of(path)


def by_what(mutants, what):
    [found] = [mutant for mutant in mutants if mutant.what == what]
    return found


def loaded(mutant):
    """The names of the module, and its functions by their code."""
    names = {}
    code = compile(SOURCE, str(mutant.path), "exec", dont_inherit=True)
    exec(code, names)
    functions = [each for each in names.values() if isinstance(each, types.FunctionType)]
    return names, {each.__code__: [each] for each in functions}


def test_first_elements_become_second_ones(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def first(x):\n    return x[0], x[1]\n")
    found = {mutant.what for mutant in mutants_of(path)}
    assert found == {
        "`return (x[0], x[1])` -> `return None`",
        "`x[0]` -> `x[1]`",
        "`1` -> `2`",
        "`1` -> `0`",
    }


def test_each_place_is_changed(mutants):
    found = {mutant.what for mutant in mutants}
    assert found == {
        "`3` -> `4`",
        "`3` -> `2`",
        "`2` -> `3`",
        "`2` -> `1`",
        "`x is None` -> `x is not None`",
        "without `seen.append(x)`",
        "`return x - least < LIMIT and (not x % 2)` -> `return None`",
        "`x - least < LIMIT and (not x % 2)` -> `x - least < LIMIT or not x % 2`",
        "`x - least < LIMIT` -> `x - least <= LIMIT`",
        "`x - least < LIMIT` -> `x - least >= LIMIT`",
        "`x - least` -> `x + least`",
        "`x - least` -> `least - x`",
        "`not x % 2` -> `x % 2`",
        "`x % 2` -> `x // 2`",
        "`x % 2` -> `2 % x`",
        "`return [lambda y: x - y]` -> `return None`",
        "`x - y` -> `x + y`",
        "`x - y` -> `y - x`",
    }


def test_other_lines_stay_where_they_are(mutants):
    mutant = by_what(mutants, "`x - least < LIMIT` -> `x - least >= LIMIT`")
    before, after = SOURCE.splitlines(), mutant.source().splitlines()
    assert len(before) == len(after) and mutant.lines == (12, 13)
    assert [i for i, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b] == [12, 13]


def test_what_runs_at_import_is_told_from_what_functions_do(mutants):
    outside = {mutant.what for mutant in mutants if not mutant.in_function}
    assert outside == {"`3` -> `4`", "`3` -> `2`"}


def test_a_mutant_takes_the_place_of_a_functions_code(mutants):
    mutant = by_what(mutants, "`x % 2` -> `x // 2`")
    names, functions = loaded(mutant)
    assert names["chosen"](4) is True
    assert change(mutant, functions)
    assert names["chosen"](4) is False


def test_a_mutant_of_a_nested_function_changes_what_is_made_later(mutants):
    mutant = by_what(mutants, "`x - y` -> `y - x`")
    names, functions = loaded(mutant)
    assert change(mutant, functions)
    assert names["later"](5)[0](2) == -3


def test_what_functions_do_not_hold_is_not_changed_in_them(mutants):
    mutant = by_what(mutants, "`3` -> `4`")
    _, functions = loaded(mutant)
    assert not change(mutant, functions)
