"""`penstock.op`: operations that users define.

In: a Python function of tensors, of NumPy arrays, or of the compiler's primitives. Out: a callable that works as the functions of `tf.` do: eagerly, in
functions, under tapes, in Keras layers and saved models. Read `decorator.py` first. `parameters.py` divides a function's parameters into inputs
and attributes, `of_tensors.py` makes ops of functions of tensors (traced functions), `op_classes.py` makes a class of `core/op.py` for the other
two kinds, `gradients.py` calls the gradient that the user gives, `library.py` is `tf.load_op_library`.
"""
