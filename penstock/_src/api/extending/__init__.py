"""Integration of user types: dispatch by type, extension types, and the types for annotations.

Read `dispatch` first: every other namespace registers its functions with it. `op_functions` makes the functions that only
call an op. `direct_calls` has native code make eager calls whole, `op_sequences` those of functions of several ops; `reads` notes what they read of tensors.
"""
