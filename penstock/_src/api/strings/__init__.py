"""tf.strings: strings of bytes and of Unicode characters."""
