"""Many keys of a table that changes are found by their numbers, as each of them is."""

import numpy as np
import pytest

import penstock as tf

experimental = tf.lookup.experimental
TABLES = {
    "dense": lambda: experimental.DenseHashTable(tf.int64, tf.int64, -1, -5, -6),
    "mutable": lambda: experimental.MutableHashTable(tf.int64, tf.int64, -1),
}


@pytest.mark.parametrize("name", TABLES)
def test_lookups_see_each_change(name):
    table, keys = TABLES[name](), tf.range(100, dtype=tf.int64)
    assert (table.lookup(keys).numpy() == -1).all()
    table.insert(keys[:50], keys[:50] * 2)
    expected = np.where(np.arange(100) < 50, np.arange(100) * 2, -1)
    assert table.lookup(keys).numpy().tolist() == expected.tolist()
    table.insert(keys[10:12], keys[10:12])
    (table.erase if name == "dense" else table.remove)(keys[:3])
    expected[10:12], expected[:3] = [10, 11], -1
    assert table.lookup(keys).numpy().tolist() == expected.tolist()


def test_reserved_keys_are_refused():
    table = TABLES["dense"]()
    with pytest.raises(tf.errors.InvalidArgumentError, match="deleted_key"):
        table.lookup(tf.fill([30], tf.constant(-6, tf.int64)))
