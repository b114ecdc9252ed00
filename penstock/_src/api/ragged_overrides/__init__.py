"""The public functions for ragged tensors.

`table` maps public functions to the implementations here and handles calls with ragged tensors; elementwise functions run
on the flat values of operands with equal rows (`broadcasting`). It is loaded with the first ragged tensor: most processes have none.
"""
