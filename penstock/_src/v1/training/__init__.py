"""Training with TensorFlow 1's optimizers.

In: losses and variables of a graph. Out: operations that update the variables. Read `optimizers.py` first: the base class
and the common rules. `regularized_optimizers.py` has more of them, `decays.py` learning rate schedules, `losses.py`
weighted losses, `loss_scale.py` loss scaling for mixed precision. `tpu.py` has the functions that programs for TPUs
call, on this machine.
"""
