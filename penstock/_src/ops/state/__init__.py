"""Variables and the updates of optimizers.

Read variable.py first, then training.py: an update rule is written once, for arrays and for nodes. training_sparse.py updates rows, scatter.py
combines rows into a variable; files named `reference` have TensorFlow 1's ops over references.
"""
