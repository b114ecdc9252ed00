"""Layers with weights of their own, as `tf.compat.v1.layers` and TensorFlow's recurrent cells have them.

In: tensors, eager or of a graph. Out: tensors, and variables that are found through `weights`. Read `base.py` first: a layer
makes its variables by `get_variable` in a variable scope. `keras_layer.py` is the base class, which makes variables without
scopes; `input_spec.py` checks inputs, `by_name.py` finds activations and initializers by name. Each family of layers has its
own file or folder: `core.py` has dense layers, dropout and flattening, `convolutional.py` and `pooling.py` what their names say,
`recurrent/` the cells of recurrent networks.
"""
