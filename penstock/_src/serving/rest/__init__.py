"""The REST API, as TensorFlow Serving has it.

In: HTTP requests, through an ASGI server. Out: JSON. Read `app.py` first (routes), then `predict.py`. `parsing/` makes arrays of JSON and back,
`replies.py` has the replies and errors, `streams.py` sends those that come in pieces. `generation/` answers for models that generate tokens, `open_inference.py`
speaks KServe's protocol.
"""
