"""Nodes with their own kernels, on a GPU.

scan.py          running sums, products, maxima and minima
sort.py          stable sorting
scatter.py       scatters
random_bits.py   Philox and ThreeFry
checks.py        indices that must lie inside
"""
