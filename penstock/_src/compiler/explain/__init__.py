"""Explains the result of compilation: traces source lines to kernels.

In: an Executable that was called. Out: a `Report`, a string that can also be saved as a page (report.py). Read records.py first, the records of a
program and its kernels; then collect.py and kernels.py, which make them (origins.py: from nodes back to the user's lines), and text.py and page/, which
show them. stage_text.py has the text of a program between the stages of the compiler, limits.py the limits of this machine.

From a kernel back to the source. An operation of a graph has the line that called it and, in a gradient, the operation that it differentiates. A node
has the operation for which it was made, a launch the nodes that its kernel stores. The nodes between these and those that other kernels have stored
are the computation of the kernel; `explain` collects them on request. A check inside of a loop or branch is carried out of it with the operation that
made it (`compiler/lower/context.py`). If a check fails, the host runs the operation that failed, or the loop around it on copies of its variables,
once more for the message (`compiler/lower/checks.py`). Reports and profiles register as observers (`util/run_observers.py`): programs take the time
of each launch only while there are observers.
"""
