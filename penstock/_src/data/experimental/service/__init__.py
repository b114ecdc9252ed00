"""tf.data.experimental.service: pipelines run by workers, within this process only.

A DispatchServer registers datasets and workers under its address; `distribute` makes datasets whose elements its workers
produce. Servers of other processes cannot be reached. Read `servers.py` first.
"""
