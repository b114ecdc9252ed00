"""A language model from a GGUF file: SmolLM2-135M-Instruct Q4_1, beside llama.cpp and OpenVINO GenAI on the same file.

`python examples/data/fetch.py language_model` fetches the file. Tokens are chosen by Python from the logits on all backends.
"""

import os
import pathlib
import queue
import statistics
import subprocess
import sys
import threading
import time

import numpy as np

TITLE = "Language models"
NOTE = (
    "SmolLM2-135M-Instruct Q4_1: tokens/s, one after the other, after 64; of a prompt of 512; seconds from the start of the process to the first token. "
    'llama.cpp rounds what weights are multiplied by to 8 bits, as `activations="int8"` does (`penstock_int8`). '
    "OpenVINO GenAI converts the file each time it is loaded."
)
BACKENDS = ["penstock", "penstock_int8", "llama_cpp", "openvino_genai"]
CASES = ["one_thread", "two_threads"]
THREADS = {"one_thread": 1, "two_threads": 2}
LOWER = {"first_token_s", "memory_mb"}
FILE = (
    pathlib.Path(__file__).resolve().parents[2]
    / "build/examples/language_model/SmolLM2-135M-Instruct.Q4_1.gguf"
)
LENGTH, START, COUNT, PROMPT = 1024, 64, 64, 512
ROUNDS = 5
FIRST = "FIRST TOKEN"


def tokens_of(seed, count):
    """Returns tokens of a prompt without meaning."""
    return np.random.default_rng(seed).integers(100, 40000, count).tolist()


class OfPenstock:
    """The model by `tf.language.load`."""

    def __init__(self, activations):
        import penstock

        self._model = penstock.language.load(str(FILE), length=LENGTH, activations=activations)

    def followed(self, prompt, count):
        """Yields the most likely tokens after a prompt."""
        sampling = _greedy()
        yield from self._model.tokens(prompt, sampling, count)


def _greedy():
    from penstock._src.language.sampling import Sampling

    return Sampling(temperature=0.0)


class OfLlama:
    """The model by llama-cpp-python."""

    def __init__(self, threads):
        import llama_cpp

        self._model = llama_cpp.Llama(
            str(FILE), n_ctx=LENGTH, n_batch=PROMPT, n_ubatch=PROMPT, n_threads=threads,
            n_threads_batch=threads, verbose=False,
        )  # fmt: skip

    def followed(self, prompt, count):
        """Yields the most likely tokens after a prompt."""
        model = self._model
        model.reset()
        model.eval(prompt)
        for number in range(count):
            logits = np.ctypeslib.as_array(model._ctx.get_logits(), (model.n_vocab(),))
            token = int(logits.argmax())
            yield token
            if number + 1 < count:
                model.eval([token])


class OfOpenVino:
    """The model by openvino-genai."""

    def __init__(self, threads):
        import openvino_genai

        self._library = openvino_genai
        self._model = openvino_genai.LLMPipeline(str(FILE), "CPU", INFERENCE_NUM_THREADS=threads)

    def followed(self, prompt, count):
        """Yields the most likely tokens after a prompt, as they come from the thread that generates."""
        import openvino

        library, tokens = self._library, queue.SimpleQueue()
        config = library.GenerationConfig(max_new_tokens=count, do_sample=False, ignore_eos=True)
        config.apply_chat_template = False
        ids = openvino.Tensor(np.array([prompt], np.int64))
        given = library.TokenizedInputs(ids, openvino.Tensor(np.ones([1, len(prompt)], np.int64)))

        class Streamer(library.StreamerBase):
            def write(self, token):
                for each in token if isinstance(token, list) else [token]:
                    tokens.put(int(each))
                return library.StreamingStatus.RUNNING

            def end(self):
                tokens.put(None)

        arguments = (given, config, Streamer())
        thread = threading.Thread(target=self._model.generate, args=arguments)
        thread.start()
        try:
            yield from iter(tokens.get, None)
        finally:
            thread.join()


def model_of(case, backend):
    """Returns the model of a backend."""
    if backend == "openvino_genai":
        return OfOpenVino(THREADS[case])
    if backend == "llama_cpp":
        return OfLlama(THREADS[case])
    return OfPenstock("int8" if backend == "penstock_int8" else "float32")


def prepare(case):
    """Sets the number of threads, before Penstock is imported."""
    os.environ["PENSTOCK_THREADS"] = str(THREADS[case])


def measure(case, backend):
    """Times tokens one after the other, the tokens of a prompt, and the first token of a process."""
    first = min(seconds_to_first_token(case, backend) for _ in range(2))
    model = model_of(case, backend)
    each, prompts = [], []
    for seed in range(ROUNDS):
        begin = time.perf_counter()
        for _ in model.followed(tokens_of(2 * seed, START), COUNT):
            each.append(time.perf_counter() - begin)
            begin = time.perf_counter()
        del each[-COUNT]  # of the prompt
        begin = time.perf_counter()
        next(model.followed(tokens_of(2 * seed + 1, PROMPT), 1))
        prompts.append(time.perf_counter() - begin)
    each.sort()
    return {
        "tokens_per_s": 1 / statistics.mean(each[: len(each) // 4]),
        "prompt_per_s": PROMPT / min(prompts),
        "first_token_s": first,
    }


def seconds_to_first_token(case, backend):
    """The time from the start of a process to its first token."""
    command = [sys.executable, __file__, case, backend]
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith(FIRST):
                seconds = time.perf_counter() - begin
    if process.returncode:
        raise RuntimeError(f"{backend}: the process ended with {process.returncode}")
    return seconds


if __name__ == "__main__":
    prepare(sys.argv[1])
    next(model_of(sys.argv[1], sys.argv[2]).followed(tokens_of(0, START), 1))
    print(FIRST, flush=True)
