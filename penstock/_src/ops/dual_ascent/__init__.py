"""Linear models trained by stochastic dual coordinate ascent.

`losses.py` has the dual update of each loss, `optimizer.py` the ops, `fingerprint.py` the hashes that identify examples.
Source: Shalev-Shwartz & Zhang, "Stochastic Dual Coordinate Ascent Methods for Regularized Loss Minimization", 2013.
"""
