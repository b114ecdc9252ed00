"""tf.compat.v1.distributions: probability distributions as TensorFlow 1 had them.

In: parameters. Out: distributions that draw samples and tell densities. `base.py` comes first: the questions that every distribution
answers; `divergence.py` has the divergences between two; the distributions stand in `location.py` (Normal, Laplace, Uniform,
StudentT), `positive.py` (Gamma, Exponential, Beta, Dirichlet) and `discrete.py`. TensorFlow Probability is where they live on.
"""
