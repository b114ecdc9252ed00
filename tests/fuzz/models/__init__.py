"""Keras models drawn at random, trained on Penstock in several ways and on TensorFlow, and compared.

A recipe (recipe.py) describes a model and its training as JSON. drawing/ makes one from a seed; running.py trains it and
returns what there is to compare; comparing.py says how far two runs may be apart; workers.py runs recipes in processes of
their own; sizes.py has the runs for many sizes of batches and lengths; shrinking.py reduces one that differs; hunt.py does all that for as many minutes as it is given.
"""
