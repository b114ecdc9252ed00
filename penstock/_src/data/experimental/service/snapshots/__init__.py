"""Snapshots that workers write together (`distributed_save`).

A snapshot has streams, each of which one worker at a time writes: `shared.py` says what the dispatcher keeps of them, `writing.py` what a worker does, `sources.py` how a
worker's iteration is kept so that another one goes on. Files are `ops/data_snapshot/distributed.py`'s.

Each element comes once, because a stream's progress is what the dispatcher has in its journal: a worker writes a chunk and the position behind it into
the stream's folder, tells the dispatcher, and only then moves the chunk to where readers look. Who takes over moves that chunk if it was not,
and goes on from that position. Splits behind it are given again to this stream alone. The stream's owners are numbered; a worker with an old number is refused.
"""
