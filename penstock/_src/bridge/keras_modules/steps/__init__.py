"""Training steps of Keras models are traced once, and in less time; predictions are copied once.

`variables.py` makes the variables outside of the step that its first trace would make; `updates.py` records an optimizer's updates of like variables once; `predictions.py` returns joined outputs without a further copy. All hold for Keras's
own classes, whose code is known, and leave those of users alone.
"""
