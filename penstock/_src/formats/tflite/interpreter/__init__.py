"""`tf.lite.Interpreter`: runs TFLite models, with the interface and the errors of TensorFlow's.

`execution.py` runs one graph: its shapes, its arrays, its function. `interpreter.py` is the public class.
"""
