"""What training with TensorFlow 1's optimizers takes.

In: losses and variables of a graph. Out: operations that change the variables. `optimizers.py` comes first: the base and the common rules;
`regularized_optimizers.py` has further ones, `decays.py` rates that fall, `losses.py` weighted losses, `loss_scale.py` losses of narrow types. `tpu.py` has
what programs for TPUs call, on this machine.
"""
