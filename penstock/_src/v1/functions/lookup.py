"""tf.compat.v1.lookup: tables with an `initializer` operation to run."""

from penstock._src.api.lookup import tables
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export(v1=["lookup.StaticHashTable"])
class StaticHashTable(tables.StaticHashTable):
    """A table that is filled once, when its `initializer` runs."""

    initializer = read_only("_init_op", "The operation that fills the table.")


@export(v1=["lookup.StaticVocabularyTable"])
class StaticVocabularyTable(tables.StaticVocabularyTable):
    """Maps words to ids of a vocabulary, and other words to hash buckets."""

    @property
    def initializer(self):
        """The operation that fills the table, or a no-op without one."""
        if self._table is not None:
            return self._table._init_op
        return raw.NoOp()
