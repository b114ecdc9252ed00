"""`fit`, `evaluate` and `predict` of Keras models under `PipelineStrategy`: each process computes one stage of the model.

`cutting.py` says which operations are in which stage, `balance.py` chooses if the program does not, `stage_layer.py` computes a stage as a layer of Keras,
`training.py` takes the place of Keras's functions of a step. Keras is not modified: `hook.py` wraps what makes these functions.
"""
