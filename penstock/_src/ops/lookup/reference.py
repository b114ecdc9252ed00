"""TensorFlow 1's lookup tables, held by reference. Each op is a variant of one in tables.py."""

from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.pipeline import Run
from penstock._src.ops.lookup import tables
from penstock._src.ops.variants import by_reference

by_reference("HashTable", tables.HashTableV2)
by_reference("MutableHashTable", tables.MutableHashTableV2)
by_reference("MutableHashTableOfTensors", tables.MutableHashTableOfTensorsV2)


class MutableDenseHashTable(tables.MutableDenseHashTableV2):
    """The same as MutableDenseHashTableV2, by reference."""

    signature = "empty_key: key_dtype -> table_handle: Ref(string)[]"
    container: str = ""
    shared_name: str = ""
    use_node_name_sharing: bool = False
    value_dtype: DType
    value_shape: TensorShape = TensorShape([])
    initial_num_buckets: int = 131072
    max_load_factor: float = 0.80000001


by_reference("LookupTableFind", tables.LookupTableFindV2)
by_reference("LookupTableInsert", tables.LookupTableInsertV2)
by_reference("LookupTableSize", tables.LookupTableSizeV2)
by_reference("LookupTableExport", tables.LookupTableExportV2)
by_reference("LookupTableImport", tables.LookupTableImportV2)
by_reference("InitializeTable", tables.InitializeTableV2)
by_reference("InitializeTableFromTextFile", tables.InitializeTableFromTextFileV2)


class InitializeTableFromDataset(Op):
    """Fills a table with the pairs of a dataset."""

    signature = "table_handle: resource, dataset: variant ->"

    def eager(self, table_handle, dataset):
        table, run = tables.table_of(self, table_handle), Run(dataset.options())
        try:
            pairs = list(dataset.iterate(run))
        finally:
            run.close()
        keys = tables.column([pair[0] for pair in pairs], table.key_dtype)
        table.initialize(keys, tables.column([pair[1] for pair in pairs], table.value_dtype))
