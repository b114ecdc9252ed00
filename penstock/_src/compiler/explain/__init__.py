"""From source line to kernel: what an Executable was compiled to, for people.

What comes in: an Executable that was called. What goes out: a `Report`, a string that can also be saved as a page
(report.py). Read first: records.py, what is known of a program and its kernels; then collect.py and kernels.py, where it
comes from (origins.py: from nodes back to the user's lines), text.py and page/, how it is shown. stage_text.py has the forms of a
program between the stages of the compiler, limits.py what this machine can do at best.
"""
