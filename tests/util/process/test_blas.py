"""NumPy's BLAS uses one thread for small matrices, and as many as before afterwards."""

import os
import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.math import matmul
from penstock._src.util.process import blas

THREADS = blas._threads()
pytestmark = pytest.mark.skipif(THREADS is None, reason="NumPy uses another BLAS than OpenBLAS")


@pytest.fixture
def two_threads():
    before = THREADS._get()
    THREADS._set(2)
    yield
    THREADS._set(before)


@blas.one_thread
def threads_of(*_arrays):
    return THREADS._get()


def test_small_matrices_have_one_thread(two_threads):
    assert threads_of(np.eye(64)) == 1 and THREADS._get() == 2


def test_large_matrices_have_all_threads(two_threads):
    assert threads_of(np.eye(blas.FEW + 1)) == 2
    assert threads_of(np.eye(3), np.eye(blas.FEW + 1)) == threads_of(np.eye(blas.TINY)) == 2


def test_products_of_long_matrices_with_little_work_have_one_thread(two_threads, monkeypatch):
    seen = []
    watched = blas.one_thread(
        lambda *arrays: seen.append(THREADS._get()) or np.matmul(*arrays), np.inf
    )
    monkeypatch.setattr(matmul, "_on_one_thread", watched)
    x, w = np.ones((4 * blas.FEW, 32), np.float32), np.ones((32, 32), np.float32)
    matmul.multiply(x, w)
    tf.einsum("bij,jk->bik", x.reshape(4, -1, 32), w)
    assert seen == [1, 1] and THREADS._get() == 2


def test_the_number_comes_back_after_an_error(two_threads):
    with pytest.raises(np.linalg.LinAlgError):
        blas.one_thread(np.linalg.inv)(np.zeros((32, 32)))
    assert THREADS._get() == 2


def test_the_number_comes_back_after_calls_side_by_side(two_threads):
    barrier = threading.Barrier(4)

    @blas.one_thread
    def wait(_array):
        barrier.wait(30)
        return THREADS._get()

    seen = []
    workers = [threading.Thread(target=lambda: seen.append(wait(np.eye(32)))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert seen == [1] * 4 and THREADS._get() == 2


def test_a_child_that_is_forked_meanwhile_has_its_threads(two_threads):
    inside, done = threading.Event(), threading.Event()

    @blas.one_thread
    def wait(_array):
        inside.set()
        done.wait(30)

    worker = threading.Thread(target=wait, args=[np.eye(32)])
    worker.start()
    inside.wait(30)
    child = os.fork()
    if not child:
        os._exit(THREADS._get())
    done.set()
    worker.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2 and THREADS._get() == 2
