"""Plans as programs of this process: arrays in, one native call, arrays out.

What comes in: a `Plan` (compiler/plan/plan.py), which lacks addresses only. What goes out: a `Program`, called with arrays
and variables' handles. Read first: load.py, then program.py.

    load.py            a plan's kernels loaded, and the parts of its program made
    program.py         Program.run, the path of every call
    signature.py       arguments of a call -> the arrays that native code reads; a wrong one must not reach it
    binding.py         the launch table with addresses, over one arena
    arena.py           memory for temporaries, shared by programs that do not run at once
    weight_packer.py   packed weights, kept with their variables and made again when these change
    exchanging.py      sums over processes that a run begins and waits for, and what is done when it fails
    observed.py        timed runs, of which observers are told (profilers, reports)
    watched.py         runs that are logged, guarded by sentinels, or begin with poisoned memory
    checked_run.py     runs whose loads and stores are held to their buffers

A device whose kernels are called in another way (by a driver, from an executable) has a program of its own in its folder
of devices/, and takes from here what it shares: a signature, an `ArenaPool` over its own memory.

A program is a table of records (function, tasks, arguments, jumps) over one arena, bound to addresses at each call. Weights that products and
convolutions pack are kept with the variable if the program does not assign it, and are packed again when its array or version has changed
(`compiler/plan/prepacked.py`, `runtime/weight_packer.py`). The format of the launch table is `compiler/plan/launch_table.py`'s. The first launch that
updates a variable is marked: from then on Ctrl-C and deadlines wait for the run's end (`docs/debugging.md`). `PENSTOCK_GUARD=1` gives every buffer
separate memory between sentinels, which are checked after each run. `PENSTOCK_CHECKED=1` generates kernels that check every access: pointers of the
kernels' language know their buffers (`native/language/checked.py`), so one mechanism serves all schedules.
"""
