"""What runs natively and what on the host.

What comes in: a `Section`, operations of a graph with the tensors that they are given and give. What goes out: a `Block`, which is
called with values and, for each new set of shapes, makes a `Specialization`: a short list of steps. Most come of a program for many extents.

    block.py           keeps specializations by the shapes (and some values) of the inputs; read it first
    shared_program.py  a program for many extents, and for which; input_form.py: what those are of the inputs
    specialize.py      which operations are lowered into one program, which run on the host, what waits for the host
    inputs.py          the parameters of the program; results.py: how tensors are found after its run
    steps.py           the step that is a program; specialization.py runs all steps, those of host/ among them

A new reason why an operation stays on the host is a `NotLowerable` that its lowering raises.

Blocks. An executable is a list of steps: native programs, single operations on the host, and blocks that are compiled later, when earlier steps have
provided their shapes or values. `f.explain(*args)` lists every operation on the host with the reason. An op is not lowered if its `lower` raises
`NotLowerable`; if it raises TensorFlow's error for invalid arguments, or `RefusedValue` where a shape rule asks as well, the host kernel raises the
same error. Any other failure is a bug: the reason then starts with "internal:", and a `RuntimeWarning` says so. Under `PENSTOCK_VERIFY` it is raised,
as are refusals that the host kernel does not share.

For a call, a `Block` looks for inputs of the very same shapes (`Specialization`); else for a `SharedProgram` whose conditions hold, which native code
checks in a microsecond: its plan's where the section is one program, else `Admission` (compiler/plan/sizes.py); else the section is lowered under a
`Recording` of these inputs' extents, and kept as a `SharedProgram`, unless its conditions leave no other extents.

An operation that needs a number, as a Fourier transform does to find its factors, gets that of the call while eight programs are made; after that the
host runs it for all further sizes (`MOST_FIXED` in block.py), whose results are rounded as the host rounds: of such operations alone bits may depend
on how many sizes came before. An operation with a data-dependent output size (an iterator, a range up to a random number) ends the block, but for
dynamic rows.
"""
