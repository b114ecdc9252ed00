"""XLA's own operations that CPU code uses, with StableHLO's semantics: start indices are clamped so that blocks fit.

`XlaCallModule` runs the functions that JAX exports: translation/ has the meanings of their operations.
"""
