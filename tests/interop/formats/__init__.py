"""Models in other formats, run by the programs that these formats are of: `make interop WHICH=tfjs` and the like.

`models.py` has the models, and a file for each format writes them, runs the peer, and compares with Penstock.
"""
