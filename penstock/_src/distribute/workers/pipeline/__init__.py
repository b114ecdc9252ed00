"""Pipeline stages: a model's layers divided over processes, through which micro-batches pass.

Each process computes one stage: activations go to the following one, gradients come back (`cluster/messages.py`). Read `strategy.py` first, then
`schedules.py` (in which order a stage works), `steps.py` (a step of one process), `stage.py` (forward and backward), `variables.py` (what a
process holds). How models of Keras are cut is in `bridge/keras_modules/pipeline/`.

Pipeline stages (`distribute/workers/pipeline/`). A process computes one stage of a model: forward and backward passes of micro-batches are calls of a
compiled function under a tape (`stage.py`), in the order that `schedules.py` gives; activations and gradients are messages between two processes
(`cluster/messages.py`: by MPI in a communicator of their own, with a thread that lets them travel; by gRPC in a channel). A step begins and ends with
words of all processes (`agreement.py`): how many rows there are, whether all have come through, the loss. Variables of other stages lose their arrays
(`variables.py`), and which slots of an optimizer belong to a stage is seen from what its compiled update reads (`updates.py`). Keras's graphs are cut
in `bridge/keras_modules/pipeline/`.
"""
