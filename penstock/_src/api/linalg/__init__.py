"""tf.linalg: products, decompositions, solvers, bands and linear operators."""
