"""tf.test: test cases for tensors, and queries about the build."""
