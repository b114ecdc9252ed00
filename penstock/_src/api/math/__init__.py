"""tf.math: elementwise functions, reductions, scans, segments, sorting and counting."""
