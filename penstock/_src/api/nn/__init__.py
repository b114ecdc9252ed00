"""tf.nn: activations, convolution, pooling, normalization, losses, sampling, embeddings."""
