"""Planning of a pipeline's execution: rewrites before the first element, and the iterators that run the steps.

Imports go downwards: steps (`ops/data`), the planner, handles of iterators (`ops/data_iterators`). rules.py rewrites pipelines, each rule to one with the same
elements; plan.py applies the rules that the options allow. choices.py is the one place that decides which iterator runs a step. What it chooses among: threads.py
has the iterators that compute elements in other threads, interleaved.py those over several datasets; vectorized.py and stacked.py compute functions of rows of
arrays for many elements at once, grouped.py the first operations of functions of records and strings (group_functions.py finds them), grouped_batches.py stacks
of them. measures.py takes the time of each step, for `Dataset.explain`.

Input pipelines. A dataset op makes a `Pipeline` (`ops/data/pipeline.py`). Before the first element a planner rewrites it to another with equal
elements and errors, as far as its options allow (`ops/data_planner/`; `docs/data.md`): steps without effect are left out, functions without state are
called by several threads. `Dataset.explain()` runs the plan with a clock behind each step. A thread prefetches elements only if computing one takes
at least 0.3 ms; below that, the thread would slow computation down by more than it saves (`ops/data_planner/threads.py`). Functions of datasets that
only move values run on the host (`data/traced.py`), so the new traces of each `fit` and `predict` in Keras compile nothing, and consecutive rows are
views of the data.
"""
