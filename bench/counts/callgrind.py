"""Callgrind from within: which instructions of this process count, by requests to Valgrind; and what it wrote."""

import ctypes
import mmap
import pathlib
import re

# What Valgrind takes for a request on x86-64: four rotations of rdi that cancel out, and an exchange of rbx with itself.
# rax points to the request's words; without Valgrind the code does nothing, and returns rdx, 0.
REQUEST = bytes.fromhex("4889f8 31d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3")
CALLGRIND = (ord("C") << 24) | (ord("T") << 16)
ZERO, DUMP_AT, START, STOP = (CALLGRIND + number for number in (1, 3, 4, 5))


class Requests:
    """Requests to the Valgrind that runs this process."""

    def __init__(self):
        protection = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        self.memory = mmap.mmap(-1, mmap.PAGESIZE, prot=protection)
        self.memory.write(REQUEST)
        place = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.call = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p)(place)

    def send(self, request, argument=None):
        """Sends a request with at most one argument, bytes."""
        text = ctypes.c_char_p(argument)
        words = (ctypes.c_size_t * 6)(request, ctypes.cast(text, ctypes.c_void_p).value or 0)
        self.call(ctypes.addressof(words))

    def count(self, label, call, times):
        """Counts the instructions of some calls, and has them written under a label."""
        self.send(START)
        self.send(ZERO)
        for _ in range(times):
            call()
        self.send(DUMP_AT, label.encode())
        self.send(STOP)


def command(folder, from_start):
    """The words before a command that run it under Callgrind, which writes into `folder`."""
    instrument = "yes" if from_start else "no"
    return [
        "valgrind", "--quiet", "--tool=callgrind", f"--instr-atstart={instrument}",
        f"--callgrind-out-file={folder}/callgrind.out",
    ]  # fmt: skip


def totals(folder):
    """{label: instructions} of all that Callgrind wrote into a folder; the label of a whole process is ""."""
    counts = {}
    for path in pathlib.Path(folder).glob("callgrind.out*"):
        text = path.read_text(errors="replace")
        label = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
        total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
        if total:
            counts[label[1] if label else ""] = int(total[1])
    return counts
