"""Profiles that other processes ask for: TensorFlow's ProfilerService over gRPC, as TensorBoard's "Capture profile" calls it.

In: requests of TensorBoard, TensorFlow or `client.trace`. Out: the files of `observe/profile_files.py`, written by the process that is profiled.
`messages.py` has the messages, `server.py` records (`profiler.py`) and answers, `client.py` calls, `monitoring.py` words what `Monitor` returns.
"""
