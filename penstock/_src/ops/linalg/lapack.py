"""NumPy's factorizations and products, which use one thread for matrices that are not large."""

import numpy as np

from penstock._src.util.process.blas import one_thread

LinAlgError = np.linalg.LinAlgError

cholesky = one_thread(np.linalg.cholesky)
det = one_thread(np.linalg.det)
eig = one_thread(np.linalg.eig)
eigh = one_thread(np.linalg.eigh)
eigvals = one_thread(np.linalg.eigvals)
eigvalsh = one_thread(np.linalg.eigvalsh)
inv = one_thread(np.linalg.inv)
matmul = one_thread(np.matmul)
pinv = one_thread(np.linalg.pinv)
qr = one_thread(np.linalg.qr)
slogdet = one_thread(np.linalg.slogdet)
solve = one_thread(np.linalg.solve)
svd = one_thread(np.linalg.svd)
