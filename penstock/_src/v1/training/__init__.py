"""What training with TensorFlow 1's optimizers takes.

In: losses and variables of a graph. Out: operations that change the variables. `tpu.py` has what programs for TPUs call, on this machine.
"""
