"""File names of shards."""

import numpy as np

from penstock._src.core.op import Op


def _named(text):
    name = np.empty((), object)
    name[()] = text
    return name


class ShardedFilename(Op):
    """The name of one shard: base-00001-of-00003."""

    signature = "basename: string, shard: int32, num_shards: int32 -> filename: string[]"
    ranks = {"basename": (0,), "shard": (0,), "num_shards": (0,)}

    def eager(self, basename, shard, num_shards):
        return _named(
            b"%s-%05d-of-%05d" % (np.asarray(basename).item(), int(shard), int(num_shards))
        )


class ShardedFilespec(Op):
    """The pattern that matches all shards."""

    signature = "basename: string, num_shards: int32 -> filename: string[]"
    ranks = {"basename": (0,), "num_shards": (0,)}

    def eager(self, basename, num_shards):
        return _named(b"%s-?????-of-%05d" % (np.asarray(basename).item(), int(num_shards)))
