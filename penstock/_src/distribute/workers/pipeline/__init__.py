"""Pipeline stages: a model's layers divided over processes, through which micro-batches pass.

Each process computes one stage: activations go to the following one, gradients come back (`cluster/messages.py`). Read `strategy.py` first, then
`schedules.py` (in which order a stage works), `steps.py` (a step of one process), `stage.py` (forward and backward), `variables.py` (what a
process holds). How models of Keras are cut is in `bridge/keras_modules/pipeline/`.
"""
