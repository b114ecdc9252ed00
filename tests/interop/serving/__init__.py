"""TensorFlow Serving's official client calls our server: `make interop WHICH=serving`.

`__main__.py` starts the server, `client.py` runs under TensorFlow itself, with the package tensorflow-serving-api: it writes models, calls the server and
compares the replies with what TensorFlow computes.
"""
