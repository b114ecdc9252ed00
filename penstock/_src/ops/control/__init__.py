"""Control flow, calls and tensor lists.

`functional.py`: If, While, Case and calls, whose bodies are graph functions (graph/library.py) held in attributes.
`switch.py`: the nodes of TensorFlow 1's control flow, for importing old graphs. `tensor_list.py`: lists of tensors
that loops carry; `list_value.py` is what such a list is on the host; `tensor_map.py`: the same for maps.
"""
