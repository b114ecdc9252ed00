"""Attention as one kernel forward and one backward: softmax(epilogue(Q K^T)) V without the matrix of scores.

What comes in: an Attention (recognize/attention.py) and the epilogues, elementwise expressions of its scores. What goes out: an
AttentionCode, whose context is the words that a ContextLayout lists. Read first: form.py, then forward.py.

    emit.py       the Form that an attention's kernels depend on, and their code; code.py: what a launch needs of it
    form.py       the form, the context's words, a thread's memory; operands.py: where arrays lie
    forward.py    rows in blocks: scores of a block of columns, softmax carried from block to block, times V
    backward.py   columns in blocks: probabilities computed again from each row's maximum and sum, then dV, dK, dQ
    task.py       what a task of either does: packing, rows as they are multiplied by
    tiles.py      the register tiles of both

Memory beyond operands and results is a thread's own and linear in the lengths.  All extents and strides but a head's
width are run-time words: one kernel serves any lengths.  Sums are in a fixed order: the same bits in every run.

Sources: Milakov and Gimelshein 2018 (softmax in one pass); Dao 2023, FlashAttention-2 (the backward pass by blocks).

Attention (`compiler/recognize/attention.py`) is found as nodes: two contractions with a softmax between and any elementwise epilogue of the scores
(scale, mask, bias), and the gradients of both in the same function. It becomes one kernel forward and one backward, which go through the scores in
blocks and never store them: the backward kernel computes them again from each row's maximum and sum. Columns that a causal mask hides are left out by
blocks. Where something else wants the scores or the probabilities (dropout, returned weights, a gradient taken by a function of its own), nothing is
found, and contractions and loop nests do the work as before.
"""
