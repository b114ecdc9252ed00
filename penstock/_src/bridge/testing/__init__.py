"""Decorators and contexts of tests that TensorFlow has in its private `framework/test_util`.

In: test methods and classes. Out: the same, to be run in graphs and eagerly (`modes.py`), under other settings (`settings.py`), or watched for
objects that they leave behind (`leaks.py`); comparisons of graphs (`graphs.py`), and tests drawn from combinations of parameters
(`combinations.py`). What `tf.test` has is in `api/test/`.
"""
