"""The raw ops of tf.data.

Read pipeline.py first: a dataset op makes a `Pipeline`, the host value of a variant tensor; iterating a pipeline yields
elements as tuples of host values. Steps only say what the elements are: where there are several ways to compute them, `Planned` steps ask the planner above
(`ops/data_planner/choices.py`), which nothing here imports.

A new source goes to source.py, a reader of files to readers/, a new transformation beside those of its kind.

Positions of iterators. Steps of a pipeline save where they are, with what they hold, and go on from there (`ops/data/iteration/resume.py`).

Lifetimes of iterators. An iterator holds what it reads, and nothing that it holds refers to it: not the threads that work for it, whose state is an object
of its own (`ops/data_planner/threads.py`), nor the iteration, which knows by weak references how to end them (`Run.ends_with`), nor an error in the place
of an element, which has no frames (`resume.attempt`). So sources, buffers and threads go when an iterator is dropped, or a step of it, such as a pass of
`repeat` that `take` ends. Python's cyclic collector, which looks at old objects seldom, would leave arrays of any size for minutes
(`tests/ops/data/iteration/test_lifetimes.py`).
"""
