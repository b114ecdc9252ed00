"""Dictionaries and sets of keys by identity, also weak ones."""

import gc

from penstock._src.bridge.python.util import object_identity


class Key:
    """Equal to every other, and without a hash."""

    def __eq__(self, other):
        return True

    __hash__ = None


def test_equal_keys_are_told_apart():
    first, second = Key(), Key()
    held = object_identity.ObjectIdentityDictionary({})
    held[first], held[second] = 1, 2
    assert (held[first], held[second], len(held)) == (1, 2, 2)
    assert held.setdefault(first, 3) == 1
    del held[first]
    assert first not in held and list(held.values()) == [2]


def test_sets_have_operations_by_identity():
    first, second = Key(), Key()
    held = object_identity.ObjectIdentitySet([first])
    assert first in held and second not in held
    held.update([second])
    rest = held.difference([first])
    assert len(held) == 2 and len(rest) == 1 and second in rest
    held.discard(first)
    assert first not in held
    held.clear()
    assert not held


def test_weak_keys_vanish_with_their_objects():
    kept, lost = Key(), Key()
    values = object_identity.ObjectIdentityWeakKeyDictionary()
    values[kept], values[lost] = 1, 2
    seen = object_identity.ObjectIdentityWeakSet([kept, lost])
    assert (values[lost], lost in seen) == (2, True)
    del lost
    gc.collect()
    assert (len(values), len(seen)) == (1, 1)
    assert values[kept] == 1 and kept in seen
