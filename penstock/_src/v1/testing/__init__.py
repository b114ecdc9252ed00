"""What tf.compat.v1.test has besides tf.test.

In: graphs and sessions under test. Out: Jacobians by gradients and by differences (`gradients.py`, which also has the folders of tests), and
replaced attributes of modules (`stubs.py`).
"""
