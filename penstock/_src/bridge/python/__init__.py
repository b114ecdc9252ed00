"""Private modules of TensorFlow, at the paths they have below `tensorflow.python`."""

from penstock._src.eager import execute

assert execute  # imported first: it makes the tensors that these modules ask for
