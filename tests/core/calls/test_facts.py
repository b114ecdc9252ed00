"""Records of facts: what a class states, and what it has from its bases."""

import pytest

from penstock._src.core.calls.facts import Effects, Permissions, Values
from penstock._src.core.op import Op


class Base(Op):
    effects = Effects(reads_only=True, may_end=True)
    values = Values(rounds_nothing=True)


class Derived(Base):
    effects = Effects(may_end=False, may_wait=True)


class Other(Base):
    effects = Effects(reads_only=False)


def test_a_class_states_what_differs_from_its_bases():
    assert Derived.effects.reads_only and Derived.effects.may_wait
    assert not Derived.effects.may_end
    assert Base.effects.may_end and not Base.effects.may_wait


def test_a_class_that_states_nothing_has_the_records_of_its_base():
    assert Derived.values is Base.values


def test_of_several_bases_the_first_that_states_a_fact_counts():
    class Silent(Base):
        pass

    class Both(Silent, Other, Derived):
        pass

    assert not Both.effects.reads_only  # of Other, although Base states it, too
    assert Both.effects.may_wait and not Both.effects.may_end


def test_a_fact_that_a_record_does_not_have_is_refused():
    with pytest.raises(TypeError, match="Effects has no field 'reads'"):
        Effects(reads=True)


def test_a_fact_beside_its_record_is_refused():
    with pytest.raises(TypeError, match="'capabilities' belongs to `permissions`"):
        type("Writes", (Op,), {"capabilities": "write_files"})


def test_records_do_not_change():
    with pytest.raises(AttributeError, match="do not change"):
        Permissions().capabilities = "python"
