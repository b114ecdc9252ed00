"""Rewrites of frozen graphs that are only run, not trained.

Input and output: GraphDefs. `nodes.py` has what the rewrites share; `batch_norms.py` scales the weights of convolutions
by the batch norms that follow; `decomposed.py` finds batch norms written as single operations; `resizes.py` merges
resizes and paddings into convolutions; `placeholders.py` fixes switches such as Keras's learning phase.
"""
