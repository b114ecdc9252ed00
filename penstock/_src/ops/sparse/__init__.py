"""Sparse tensors as indices, values and dense shapes; compressed rows; ragged tensors.

Read tensor.py first. matrices.py has matrices of compressed rows, cross.py and ragged_cross.py crossed features, sets.py sets along the last axis.
"""
