"""Meaning of requests, independent of the protocol.

In: arrays by the names of a signature's inputs, or tf.Examples. Out: a `Request` for the signature's queue, and what its outputs say. `tensors.py`
checks arrays against a signature, `running.py` queues a request and waits for it, `examples.py` has classify and regress, `messages.py` what is
known of a model, `generating.py` generates tokens, `open_inference.py` has the tensors of KServe's protocol, `tensor_protos.py` makes arrays of TensorProtos and back,
`predict_messages.py` leaves the numbers of large ones where they are, `warm_up.py` runs a version before it answers.
"""
