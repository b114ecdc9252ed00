"""Clients of a server, of Penstock or TensorFlow Serving: arrays in, arrays out.

In: arrays for the inputs of a model's signature. Out: arrays of its outputs, or TensorFlow's errors. `client.py` has the classes. `dialog.py` has
the requests of each method and the handling of its replies, as generators without threads or event loops; `protocols/` has the requests and
replies of REST and gRPC, `transports/` sends them, `retries.py` decides which failures are retried, `inputs.py` converts values to arrays,
`contents.py` files to values, `address.py` parses URLs.
"""
