"""Sends calls, from threads or from an event loop.

In: a `Call`, the seconds it may take, and headers. Out: an `Answer`; whatever goes wrong is a `Failure`. `http.py` sends REST, by urllib3 and
aiohttp, `grpc.py` gRPC by grpcio.
"""
