"""`tensorflow.python.framework.tensor_conversion`: conversion with the arguments of each version."""

from penstock._src.api.array.conversion import convert_to_tensor_v1, convert_to_tensor_v2

convert_to_tensor_v2_with_dispatch = convert_to_tensor_v2
convert_to_tensor_v1_with_dispatch = convert_to_tensor_v1
