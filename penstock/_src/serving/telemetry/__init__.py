"""Counts and measurements of a server, for Prometheus, OpenTelemetry and the page of the server.

In: requests that ended, batches that ran, versions that were loaded. Out: text in Prometheus's format, of all processes of the server together, and spans. `table.py`
lists the metrics; `store.py` holds their numbers in memory that processes share; `recorder.py` is told what happens; `states.py` reads what only exists at the
moment (queues, memory); `text.py` writes the page for Prometheus. `traces.py` makes spans, where OpenTelemetry is set up.
"""
