"""One room for TensorFlow 1: what only `tf.compat.v1` has, on top of everything else.

In: programs written for graphs and sessions, and TensorFlow 1's names and orders of arguments. Out: calls of what TensorFlow 2
has (`api/`, `function/`, `saving/`); nothing below imports from here, and what lower objects ask for by name is in `util/slots.py`.

The floors, high to low; a folder imports from its own and from lower ones:

    monitored                                       training that initializes, restores, saves and logs by itself
    inputs                                          queues and their runners, readers, pipelines, datasets
    metrics recurrent summaries saving
    training testing                                one subject each
    variables                                       variables by name, their scopes, their initializers
    graphs                                          the default graph and sessions
    functions process distributions                 functions of tensors; a program's log, files and flags
    names                                           the table of functions that differ by their parameters alone

Read `graphs/session.py` first, then `variables/scopes.py`. A new function goes to the floor of its subject with
`@export(v1=[...])`, or into `names/table.py` as a row if only its parameters differ; then run `tools/gen_api.py`.
"""
