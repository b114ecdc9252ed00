"""What training with TensorFlow 1's optimizers takes besides them: rates that fall, further rules, scaled losses.

The optimizers' base and the common ones stand in `../optimizers.py`.
"""
