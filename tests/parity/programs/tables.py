"""Lookup tables: made, filled from values, files and datasets, changed, exported."""

import numpy as np

from tests.parity.programs import in_session

KEYS, VALUES = np.array([b"a", b"b", b"c"]), np.array([10, 20, 30], np.int64)


def _strings(tf, values):
    return tf.constant(values)


def _sorted_export(tf, table, key_type, value_type):
    keys, values = tf.raw_ops.LookupTableExportV2(
        table_handle=table, Tkeys=key_type, Tvalues=value_type
    )
    order = np.argsort(keys.numpy())
    return [keys.numpy()[order], values.numpy()[order]]


def fixed_tables(tf, tmp):
    raw, made = tf.raw_ops, []
    for table in (
        raw.AnonymousHashTable(key_dtype=tf.string, value_dtype=tf.int64),
        raw.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name="fixed"),
    ):
        raw.InitializeTableV2(
            table_handle=table, keys=_strings(tf, [b"a", b"b", b"c"]), values=VALUES
        )
        asked = _strings(tf, [[b"b", b"z"], [b"a", b"c"]])
        made += [
            raw.LookupTableFindV2(table_handle=table, keys=asked, default_value=np.int64(-1)),
            raw.LookupTableSizeV2(table_handle=table),
            _sorted_export(tf, table, tf.string, tf.int64),
        ]
    return made


def tables_from_files(tf, tmp):
    path = tmp / "words.txt"
    path.write_text("#\t1\nred\t3\ngreen\t5\nblue\t7\n")
    raw, made = tf.raw_ops, []
    whole, number = -2, -1
    for key, value, size in ((0, 1, -1), (0, number, 2), (whole, number, 3)):
        table = raw.AnonymousHashTable(key_dtype=tf.string, value_dtype=tf.int64)
        raw.InitializeTableFromTextFileV2(
            table_handle=table, filename=str(path), key_index=key, value_index=value, vocab_size=size, offset=1
        )  # fmt: skip
        made.append(_sorted_export(tf, table, tf.string, tf.int64))
    return made


def tables_from_datasets(tf, tmp):
    table = tf.raw_ops.AnonymousHashTable(key_dtype=tf.int64, value_dtype=tf.string)
    data = tf.data.Dataset.from_tensor_slices((VALUES, [b"x", b"y", b"z"]))
    tf.raw_ops.InitializeTableFromDataset(table_handle=table, dataset=data._variant_tensor)
    return _sorted_export(tf, table, tf.int64, tf.string)


def growing_tables(tf, tmp):
    raw, made = tf.raw_ops, []
    pairs = {"key_dtype": tf.string, "value_dtype": tf.float32}
    for table in (
        raw.AnonymousMutableHashTable(**pairs),
        raw.MutableHashTableV2(**pairs, shared_name="growing"),
    ):
        raw.LookupTableInsertV2(
            table_handle=table,
            keys=[b"a", b"b", b"a"],
            values=np.array([1.0, 2.0, 3.0], np.float32),
        )
        raw.LookupTableRemoveV2(table_handle=table, keys=[b"b", b"q"])
        made += [
            raw.LookupTableSizeV2(table_handle=table),
            raw.LookupTableFindV2(
                table_handle=table, keys=[b"a", b"b"], default_value=np.float32(-1.0)
            ),
        ]
        raw.LookupTableImportV2(
            table_handle=table, keys=[b"c", b"d"], values=np.array([5.0, 6.0], np.float32)
        )
        made.append(_sorted_export(tf, table, tf.string, tf.float32))
    return made


def tables_of_vectors(tf, tmp):
    raw, made = tf.raw_ops, []
    pairs = {"key_dtype": tf.int64, "value_dtype": tf.float32, "value_shape": [2]}
    rows = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    for table in (
        raw.AnonymousMutableHashTableOfTensors(**pairs),
        raw.MutableHashTableOfTensorsV2(**pairs, shared_name="vectors"),
    ):
        raw.LookupTableInsertV2(table_handle=table, keys=VALUES[:2], values=rows)
        fallback = np.array([0.0, -1.0], np.float32)
        made += [
            raw.LookupTableFindV2(table_handle=table, keys=VALUES, default_value=fallback),
            _sorted_export(tf, table, tf.int64, tf.float32),
        ]
    return made


def dense_tables(tf, tmp):
    raw, made = tf.raw_ops, []
    ends = {"empty_key": np.int64(-1), "deleted_key": np.int64(-2), "value_dtype": tf.float32}
    for table in (
        raw.AnonymousMutableDenseHashTable(**ends, value_shape=[], initial_num_buckets=8),
        raw.MutableDenseHashTableV2(**ends, shared_name="dense", initial_num_buckets=8),
    ):
        values = np.array([1.0, 2.0, 3.0], np.float32)
        raw.LookupTableInsertV2(table_handle=table, keys=VALUES, values=values)
        raw.LookupTableRemoveV2(table_handle=table, keys=VALUES[1:2])
        found = raw.LookupTableFindV2(
            table_handle=table, keys=VALUES, default_value=np.float32(9.0)
        )
        exported = raw.LookupTableExportV2(table_handle=table, Tkeys=tf.int64, Tvalues=tf.float32)
        live = exported[0].numpy() >= 0
        made += [
            found,
            raw.LookupTableSizeV2(table_handle=table),
            sorted(exported[0].numpy()[live].tolist()),
        ]
    return made


def tables_by_reference(tf, tmp):
    raw = tf.raw_ops

    def build():
        table = raw.HashTable(key_dtype=tf.string, value_dtype=tf.int64, shared_name="one")
        fill = raw.InitializeTable(table_handle=table, keys=["a", "b"], values=VALUES[:2])
        grown = raw.MutableHashTable(key_dtype=tf.string, value_dtype=tf.int64, shared_name="two")
        insert = raw.LookupTableInsert(table_handle=grown, keys=["x"], values=VALUES[:1])
        load = raw.LookupTableImport(table_handle=grown, keys=["y"], values=VALUES[1:2])
        vectors = raw.MutableHashTableOfTensors(
            key_dtype=tf.string, value_dtype=tf.float32, value_shape=[2], shared_name="three"
        )
        rows = raw.LookupTableInsert(table_handle=vectors, keys=["v"], values=[[1.0, 2.0]])
        find = raw.LookupTableFind
        return [
            lambda s: s.run([fill]) and b"filled",
            find(table_handle=table, keys=["b", "q"], default_value=np.int64(-1)),
            raw.LookupTableSize(table_handle=table),
            lambda s: s.run([insert]) and b"inserted",
            find(table_handle=grown, keys=["x", "y"], default_value=np.int64(-1)),
            lambda s: s.run([load]) and b"imported",
            raw.LookupTableExport(table_handle=grown, Tkeys=tf.string, Tvalues=tf.int64),
            lambda s: s.run([rows]) and b"inserted",
            find(table_handle=vectors, keys=["v"], default_value=[0.0, 0.0]),
        ]

    return in_session(tf, build)
