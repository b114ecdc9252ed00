"""tf.debugging: assertions, numeric checks, traceback filtering."""
