"""NVIDIA's cards: kernels as PTX, through the driver alone (libcuda, which every machine with a card has).

What comes in: a `Plan`. What goes out: a program that walks its launch table on a stream. Read first: target.py, then kernels/.

    families/    what differs from one maker's GPUs to another's
    kernels/     kernels as LLVM IR
    regions.py   the launch table as loops and choices; recording.py: these as one graph; table.py: a run
    nccl/        what several cards compute together
    ptx.py       that IR as PTX; how ptxas sees it
    emulator/    runs the same IR on this CPU: what tests use, as no test needs a card

A GPU (`devices/cuda/`, `docs/gpu.md`) takes the same plans. Its generator writes LLVM IR for NVPTX in the kernels' own language with numbers of
threads, barriers and shuffles added (`kernels/language.py`); loop nests share the evaluator of CPUs' nests, so an operation's code is written once.
What differs from maker to maker (how many threads go together, barriers, shuffles, heads of kernels) is a file of `families/`; AMD's is compiled and
emulated only. What has no schedule for GPUs yet runs as the CPU's task functions, a block of one thread for each task. A kernel's parameter is the
very words of the launch's record, so the launch table serves unchanged, but for tensor maps of operands (wgmma's tiles come by them), which the
driver makes when addresses are known; from the second run on with the same addresses it is one CUDA graph (`recording.py`), whose kernels look
whether a check has failed; jumps are read as loops and choices (`regions.py`), which are conditional nodes of the graph, or with older drivers
conditions that the host reads (`driver/control.py`). Nothing but libcuda is called (`driver/calls.py`). No test needs a GPU:
`PENSTOCK_DEVICE=GPU_emulated` runs everything on an emulator, which compiles the kernels' IR for this CPU with a call before each load and store,
runs the threads of a block on stacks of their own, and finds accesses outside of memory, races, barriers that are never reached, and reads of what
cp.async has not brought yet. Inline assembly (bulk copies, products of warpgroups) goes to a service in Python between threads, which knows which
warp knows of which event. Sums that several blocks share (a great depth, filters' gradients, segments of scans) are parts in scratch memory, cut by
sizes alone and added up in order by a further launch of the same kernel: no atomics, so results have the same bits each time. Attention on a GPU is
one kernel forward and two backward, which own rows and columns of the scores.
"""
