"""Whole searches for texts as one operator: GreedySearch and BeamSearch of ONNX Runtime's exporters of GPT-2, T5 and BART.

In: nodes whose attributes are the graphs of a model; out: loops that run them. `decoders.py` runs the graphs, `scores.py` changes the scores of next tokens,
`search.py` chooses tokens; read it first.
"""
