"""Attention as one kernel forward and one backward: softmax(epilogue(Q K^T)) V without the matrix of scores.

In: an Attention (recognize/attention.py) and the epilogues, elementwise expressions of its scores. Out: an AttentionCode; a ContextLayout lists the
words of its context. Read form.py first, then forward.py.

    emit.py       the Form on which an attention's kernels depend, and their code; code.py: the facts that a launch needs
    form.py       the form, the context's words, a thread's memory; operands.py: the layouts of arrays
    forward.py    rows in blocks: scores of a block of columns, the running softmax, times V
    backward.py   columns in blocks: probabilities computed again from each row's maximum and sum, then dV, dK, dQ
    task.py       common parts of both tasks: packing, rows as operands of products
    tiles.py      the register tiles of both
    matrix_tiles.py, matrix_forward.py, matrix_backward.py    the same blocks in bfloat16 by the registers of AMX

Forward, a row's softmax is updated from block to block of columns: with the running maximum m, total t and output o, a block with maximum m' multiplies
t and o by exp(m - max(m, m')) and adds its own terms, so that no exponential overflows and no score is stored.

Q and dO are left operands of tiles, read as copied rows, K and V right ones, in panels. Rows of a head are short and lie far apart in the usual
layout: those of the next batch and of the results are fetched into the L2 beside the products of the first blocks (Task.fetch_rows).

Scratch memory belongs to a thread and is linear in the lengths. All extents and strides except a head's width are run-time words: one kernel
serves all lengths. Sums are computed in a fixed order: results have the same bits in every run.

Sources: Milakov and Gimelshein 2018 (softmax in one pass); Dao 2023, FlashAttention-2 (the backward pass by blocks).

Attention is recognized from nodes (`compiler/recognize/attention.py`): two contractions with a softmax between them and any elementwise epilogue of
the scores (scale, mask, bias), and the gradients of both in the same function. It becomes one kernel forward and one backward, which compute the scores
in blocks and never store them: the backward kernel computes them again from each row's maximum and sum. Blocks that a causal mask hides completely are
skipped. If other nodes read the scores or the probabilities (dropout, returned weights, a gradient in a function of its own), attention is not
recognized, and contractions and loop nests compute it.
"""
