"""TensorFlow 1: everything that exists only in `tf.compat.v1`, built on all other packages.

In: programs written for graphs and sessions, with TensorFlow 1's names and orders of arguments. Out: calls of TensorFlow 2's
functions (`api/`, `function/`, `saving/`). Lower packages do not import from here; they reach functions of this package
through `util/slots.py`.

The layers, high to low; a folder imports only from its own layer and from lower ones:

    monitored                                       training that initializes, restores, saves and logs by itself
    inputs                                          queues and their runners, readers, pipelines, datasets
    feature_column                                  columns of features, of TensorFlow 2 as well: they share variables by name
    layers metrics summaries saving
    training testing                                one subject each
    variables                                       variables by name, their scopes, their initializers
    graphs                                          the default graph and sessions
    functions process distributions                 functions of tensors; a program's log, files and flags
    names                                           the table of functions that differ by their parameters alone

Read `graphs/session.py` first, then `variables/scopes.py`. A new function goes into the
folder of its subject with `@export(v1=[...])`, or into `names/table.py` as a row if only its parameters differ; then run `tools/gen_api.py`.
"""
