"""Caches of a number of values."""

from penstock._src.native.cache.recently_used import RecentlyUsed


class Held:
    """Something that others may hold."""


def test_the_value_used_longest_ago_goes_first():
    cache = RecentlyUsed[str, Held](2)
    cache["a"], cache["b"] = Held(), Held()
    cache.get("a")
    cache["c"] = Held()
    assert "a" in cache and "b" not in cache and "c" in cache
    assert len(cache) == 2


def test_what_others_hold_stays():
    cache = RecentlyUsed[str, Held](1)
    held = cache["a"] = Held()
    cache["b"] = Held()
    assert cache.get("a") is held
    assert "b" not in cache  # the one found has taken its place
    del held
    cache["c"] = Held()
    assert cache.get("a") is None


def test_nobody_who_asks_for_a_missing_value_changes_the_rest():
    cache = RecentlyUsed[str, Held](1)
    cache["a"] = Held()
    assert cache.get("b") is None and "a" in cache
