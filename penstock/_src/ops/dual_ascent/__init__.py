"""Linear models trained by stochastic dual coordinate ascent.

`losses.py` knows how a loss moves the dual variable of an example, `optimizer.py` has the ops, `fingerprint.py` the
hashes by which examples are told apart. Source: Shalev-Shwartz & Zhang, "Stochastic Dual Coordinate Ascent Methods for
Regularized Loss Minimization", 2013.
"""
