"""Observation of programs: tf.summary, the profiler, the debugger, recordings, and tf.debugging.first_nan.

In: values and events of a run. Out: files that TensorBoard and Perfetto read. Read `summaries.py` first (`tf.summary`), then `writer.py`
(event files); `traces.py` exports graphs of functions, `profiler.py` collects events, `profile_files.py` writes them;
`first_nan.py` looks at every op of one run; `debugger/` stops in compiled functions, `recordings/` keeps runs to repeat them later. `remote/` takes profiles of
other processes, `debug_events/` dumps ops for TensorBoard's debugger.
"""
