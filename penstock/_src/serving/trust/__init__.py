"""Rights that a server grants its clients, independent of the protocol.

In: options. Out: objects that protocols ask before they work for a client. `limits.py` has the figures, `admission.py` counts what is in the server at a
time, `keys.py` knows the clients, `tls.py` has certificates, `access_log.py` writes down what was asked. Limits of HTTP connections are in `rest/connections.py`, of compressed bodies in `rest/bodies.py`.
"""
