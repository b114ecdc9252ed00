"""tf.lite: options, representative data and models to convert; conversion itself is not implemented."""
