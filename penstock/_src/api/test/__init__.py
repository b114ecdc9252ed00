"""tf.test: test cases that know tensors, and questions about the build."""
