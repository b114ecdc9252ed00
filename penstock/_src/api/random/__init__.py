"""tf.random: stateful and stateless numbers, generators, seeds."""
