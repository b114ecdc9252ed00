"""tf.compat.v1.lookup: tables whose `initializer` is an operation to run."""

from penstock._src.api.lookup import tables
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export(v1=["lookup.StaticHashTable"])
class StaticHashTable(tables.StaticHashTable):
    """A table that its initializer fills once, when that operation runs."""

    initializer = read_only("_init_op", "The operation that fills the table.")


@export(v1=["lookup.StaticVocabularyTable"])
class StaticVocabularyTable(tables.StaticVocabularyTable):
    """Ids of a vocabulary, and of buckets for what is not in it."""

    @property
    def initializer(self):
        """The operation that fills the table; one that does nothing if there is none."""
        if self._table is not None:
            return self._table._init_op
        return raw.NoOp()
