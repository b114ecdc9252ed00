"""From source line to kernel: what an Executable was compiled to, for people.

What comes in: an Executable that was called. What goes out: a `Report`, a string that can also be saved as a page
(report.py). Read first: records.py, what is known of a program and its kernels; then collect.py and kernels.py, where it
comes from (origins.py: from nodes back to the user's lines), text.py and page/, how it is shown. stage_text.py has the forms of a
program between the stages of the compiler, limits.py what this machine can do at best.

From a kernel back to the source. An operation of a graph has the line that called it and, in a gradient, the operation whose gradient it is. A node
has the operation that it was made for, a launch the nodes that its kernel stores. What lies between those and what other kernels have stored is what
it computes: `explain` (`compiler/explain/`) gathers this when somebody asks. A check inside of a loop or branch is carried out of it with the
operation that made it (`compiler/lower/context.py`); where one fails, the host runs the operation that failed, or the loop around it on copies of its
variables, once more for the message (`compiler/lower/checks.py`). Reports and profiles register themselves as observers (`util/run_observers.py`):
only then programs run with a clock beside each launch.
"""
