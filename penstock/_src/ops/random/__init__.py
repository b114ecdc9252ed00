"""Random numbers, eager and compiled.

Read philox.py first, then stateless.py; stateful.py has the ops that keep their position in a stream, generator.py those of `tf.random.Generator`. Distributions that
reject draws are in rejection.py and lowered_rejection.py.

Random numbers. Philox and ThreeFry produce the same numbers as TensorFlow for the same seeds, eager and compiled.
"""
