"""Plans as programs of this process: arrays in, one native call, arrays out.

In: a `Plan` (compiler/plan/plan.py), which lacks only addresses. Out: a `Program`, called with arrays and variables' handles. Read
load.py first, then program.py.

    load.py            loads a plan's kernels and builds its program
    program.py         Program.run, the path of every call
    sized.py           programs for many extents: one launch table, with the numbers of the call written into it
    signature.py       arguments of a call -> the arrays that native code reads; rejects wrong ones
    binding.py         the launch table with addresses, over one arena
    arena.py           memory for temporaries, shared by programs that do not run at the same time
    weight_packer.py   packed weights: of variables until these change, of constants with their programs
    packed/            programs that travel: records of plans in packs, and the programs of these
    exchanging.py      collective operations with other processes within a run, and the recovery from failures
    observed.py        timed runs, reported to observers (profilers, explain)
    watched.py         runs that are logged, guarded by sentinels, or start with poisoned memory
    checked_run.py     runs whose loads and stores are checked against their buffers

A device whose kernels are called in another way (by a driver, from an executable) has its own program in its folder
in devices/. It shares signatures and `ArenaPool`, the latter over its own memory.

A program is a table of records (function, tasks, arguments, jumps) over one arena, bound to addresses at each call. Packed weights of products and
convolutions are cached with the variable if the program does not assign it, and are packed again when its array or version has changed; a program
holds those of a constant in its place (`compiler/plan/prepacked.py`, `runtime/weight_packer.py`). compiler/plan/launch_table.py defines the format of the launch table. The first launch that
updates a variable is marked: from there on Ctrl-C and deadlines wait for the run's end (`docs/debugging.md`). `PENSTOCK_GUARD=1` gives every buffer
separate memory between sentinels, which are checked after each run. `PENSTOCK_CHECKED=1` generates kernels that check every access: pointers of the
kernels' language know their buffers (`native/language/checked.py`), so one mechanism serves all schedules.
"""
