"""The additional functions of tf.compat.v1.test.

In: graphs and sessions under test. Out: analytical and numerical Jacobians (`gradients.py`, which also has the folders of
tests), and stubs for attributes (`stubs.py`).
"""
