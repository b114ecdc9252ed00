"""Operations on the host, run by the eager kernels of their ops: those without a lowering, or not worth a program.

running.py      runs one operation, and adds the operation and the user's line to its errors
steps.py        an operation as a step of a specialization, with values in slots
locks.py        which resources operations hold locked
end_of_data.py  runs the rest of a list of steps after one of them has reached the end of its data

Of the ops that Keras uses, these run on the host: strings and tables; the blur of `RandomElasticTransform`, whose size is random (its kernel is
computed on the host, and the following ops are compiled for each size); CTC decoding; eigenvalues and singular values (for a symmetric matrix of 64 x
64, LAPACK takes 0.2 ms and Jacobi rotations as a compiled loop 3.6 ms; for 256 x 256, 4.4 and 130 ms); and gradients of loops whose number of steps
has no bound at compile time, or which write to a growing `TensorArray` and may end early. `docs/ops.md` lists each op.
"""
