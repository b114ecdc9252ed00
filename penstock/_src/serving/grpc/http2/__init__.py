"""gRPC's protocol over HTTP/2, in a running event loop.

In: bytes of clients. Out: calls of handlers, and their replies. Frames, HPACK, flow control and the rules of RFC 9113 are nghttp2's, through the package ngh2, which does no
I/O. Read `server.py` first, then `connection.py` (a client's connection: events of ngh2, limits, its end) and `call.py` (a stream of it). `handlers.py` says what a method
is, `shared.py` what connections have in common, `headers.py` reads requests' headers and writes statuses, `messages.py` cuts data into messages, `progress.py` notices clients that are too slow.
"""
