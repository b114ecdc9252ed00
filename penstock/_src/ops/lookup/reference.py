"""Lookup tables as TensorFlow 1 holds them: by reference. Each op is a twin of one in tables.py."""

from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.pipeline import Run
from penstock._src.ops.lookup import tables


class HashTable(tables.HashTableV2):
    """The same as HashTableV2, by reference."""

    signature = "-> table_handle: Ref(string)"


class MutableHashTable(tables.MutableHashTableV2):
    """The same as MutableHashTableV2, by reference."""

    signature = "-> table_handle: Ref(string)"


class MutableHashTableOfTensors(tables.MutableHashTableOfTensorsV2):
    """The same as MutableHashTableOfTensorsV2, by reference."""

    signature = "-> table_handle: Ref(string)"


class MutableDenseHashTable(tables.MutableDenseHashTableV2):
    """The same as MutableDenseHashTableV2, by reference."""

    signature = "empty_key: key_dtype -> table_handle: Ref(string)"
    container: str = ""
    shared_name: str = ""
    use_node_name_sharing: bool = False
    value_dtype: DType
    value_shape: TensorShape = TensorShape([])
    initial_num_buckets: int = 131072
    max_load_factor: float = 0.80000001
    stateful = True


class LookupTableFind(tables.LookupTableFindV2):
    """The same as LookupTableFindV2, by reference."""

    signature = "table_handle: Ref(string), keys: Tin, default_value: Tout -> values: Tout"
    stateful = False


class LookupTableInsert(tables.LookupTableInsertV2):
    """The same as LookupTableInsertV2, by reference."""

    signature = "table_handle: Ref(string), keys: Tin, values: Tout ->"
    stateful = False


class LookupTableSize(tables.LookupTableSizeV2):
    """The same as LookupTableSizeV2, by reference."""

    signature = "table_handle: Ref(string) -> size: int64"
    stateful = False


class LookupTableExport(tables.LookupTableExportV2):
    """The same as LookupTableExportV2, by reference."""

    signature = "table_handle: Ref(string) -> keys: Tkeys, values: Tvalues"
    stateful = False


class LookupTableImport(tables.LookupTableImportV2):
    """The same as LookupTableImportV2, by reference."""

    signature = "table_handle: Ref(string), keys: Tin, values: Tout ->"
    stateful = False


class InitializeTable(tables.InitializeTableV2):
    """The same as InitializeTableV2, by reference."""

    signature = "table_handle: Ref(string), keys: Tkey, values: Tval ->"
    stateful = False


class InitializeTableFromTextFile(tables.InitializeTableFromTextFileV2):
    """The same as InitializeTableFromTextFileV2, by reference."""

    signature = "table_handle: Ref(string), filename: string ->"
    stateful = False


class InitializeTableFromDataset(Op):
    """Fills a table with the pairs of a dataset."""

    signature = "table_handle: resource, dataset: variant ->"
    stateful = True

    def eager(self, table_handle, dataset):
        table, run = tables.table_of(self, table_handle), Run(dataset.options())
        try:
            pairs = list(dataset.iterate(run))
        finally:
            run.close()
        keys = tables.column([pair[0] for pair in pairs], table.key_dtype)
        table.initialize(keys, tables.column([pair[1] for pair in pairs], table.value_dtype))
