"""Clients of a server, of Penstock or TensorFlow Serving: arrays in, arrays out.

In: arrays for the inputs of a model's signature. Out: arrays of its outputs, or TensorFlow's errors. `client.py` has the classes. What a method
asks and what it makes of the answers is in `dialog.py`, a generator for each, which knows neither threads nor event loops; `protocols/` has the requests and
replies of REST and gRPC, `transports/` sends them, `retries.py` says which failures are tried again, `inputs.py` makes arrays of values,
`contents.py` values of files, `address.py` reads URLs.
"""
