"""`tensorflow.python.training.input`: tensors given in a list or a dict."""

from penstock._src.v1.inputs.batching import as_given as _as_original_type
from penstock._src.v1.inputs.batching import as_list as _as_tensor_list
from penstock._src.v1.inputs.batching import as_lists as _as_tensor_list_list
