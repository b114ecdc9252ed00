"""`tensorflow.python.framework.random_seed`: the seed of graphs without one."""

DEFAULT_GRAPH_SEED = 87654321
