"""One room for TensorFlow 1: what only `tf.compat.v1` has, on top of everything else.

In: programs written for graphs and sessions, and TensorFlow 1's names and orders of arguments. Out: calls of what TensorFlow 2
has (`api/`, `function/`, `saving/`); nothing below imports from here, and what lower objects ask for by name is in `util/above.py`.

The floors, low to high; a folder imports from its own and from lower ones:

    monitored                    training that initialises, restores, saves and logs by itself
    inputs                       queues and their runners, readers, pipelines, datasets
    saving summaries training    savers and SavedModels; tf.summary and the profile; optimizers

Read `saving/saver.py` for how a graph is given operations, then `monitored/session.py` for how all works together. A new function goes
to the floor of its subject with `@export(v1=[...])`; then run `tools/gen_api.py`.
"""
