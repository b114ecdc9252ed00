"""The documented Python functions of the public API, one folder for each namespace.

In: Python values, tensors, composite tensors, in TensorFlow's argument order and with its defaults.
Out: calls of `raw.*` ops. Functions here convert arguments and compose ops; they do not compute values themselves.
Read `extending/dispatch.py` first (how other types take over a function), then `math/elementwise.py`.
A new public function goes into the file of its subject with `@export`, then run `tools/gen_api.py`.

The namespaces are layered as well (`FLOORS` in tests/layout/test_layers.py): `extending` (dispatch by type, extension types) and `control` are below
`math` and `debugging`, then come `array`, then `random`, `sparse` and `signal`; `ragged_overrides` and `load` are on top.
"""
