"""tf.compat.v1.distributions: the probability distributions of TensorFlow 1.

In: parameters. Out: distributions that draw samples and compute densities. Read `base.py` first, the common interface;
`divergence.py` computes divergences between two distributions; the distributions are in `location.py` (Normal, Laplace,
Uniform, StudentT), `positive.py` (Gamma, Exponential, Beta, Dirichlet) and `discrete.py`. TensorFlow Probability is
their successor.
"""
