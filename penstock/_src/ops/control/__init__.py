"""Control flow, calls and tensor lists.

`functional.py`: If, While, Case and calls; their bodies are graph functions (graph/library.py) in attributes. `switch.py`:
TensorFlow 1's control flow nodes, for importing old graphs. `tensor_list.py`: lists of tensors that loops carry;
`list_value.py`: their host values; `tensor_map.py`: the same for maps.
"""
