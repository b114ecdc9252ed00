"""Recurrent layers and attention."""

from __future__ import annotations

from typing import Any

from tests.fuzz.models.drawing.drawing import Drawing


def recurrent(d: Drawing, x: int) -> int:
    """A recurrent layer of a sequence."""
    kind = d.pick("LSTM", "GRU", "SimpleRNN", "cells")
    again = d.maybe()
    options: dict[str, Any] = {
        "return_sequences": again, **d.options(go_backwards=(True,), unroll=(True,) if d.shape(x)[0] else (False,))
    }  # fmt: skip
    units = d.pick(1, 2, 3, 4, 8, 16, 17)
    if kind == "cells":
        cells = [
            {"$": f"layers.{d.pick('LSTMCell', 'GRUCell', 'SimpleRNNCell')}", "units": units}
            for _ in range(d.pick(1, 2))
        ]
        options.pop("unroll", None)
        return d.layer(x, "RNN", cell=cells if len(cells) > 1 else cells[0], **options)
    options |= d.options(
        use_bias=(False,),
        activation=("tanh", "relu", "sigmoid"),
        dropout=(0.2,),
        recurrent_dropout=(0.2,),
    )
    if "dropout" in options or "recurrent_dropout" in options:
        options["seed"] = d.seed()
    if kind == "GRU":
        options |= d.options(reset_after=(False,))
    if kind == "LSTM":
        options |= d.options(unit_forget_bias=(False,))
    made = {"$": f"layers.{kind}", "units": units, **options}
    if d.maybe(0.3):
        made.pop("go_backwards", None)
        made = {
            "$": "layers.Bidirectional", "layer": made, "merge_mode": d.pick("concat", "sum", "mul", "ave")
        }  # fmt: skip
    return d.add(made, x)


def convolutional_recurrent(d: Drawing, x: int) -> int:
    """A ConvLSTM of a sequence of images or lines."""
    n = len(d.shape(x)) - 2
    smallest = min(d.shape(x)[1:-1])
    return d.layer(
        x, f"ConvLSTM{n}D", filters=d.pick(1, 2, 4), kernel_size=d.pick(*[k for k in (1, 2, 3) if k <= smallest]),
        padding=d.pick("same", "valid"), return_sequences=d.maybe(),
        **d.options(strides=(2,), go_backwards=(True,), use_bias=(False,)),
    )  # fmt: skip


def over_time(d: Drawing, x: int) -> int:
    """A layer of images applied to each step."""
    n = len(d.shape(x)) - 2
    inner: dict[str, Any] = {"$": f"layers.Conv{n}D", "filters": d.pick(1, 2, 4), "kernel_size": 1}
    if d.maybe(0.3):
        inner = {"$": f"layers.GlobalAveragePooling{n}D"}
    return d.add({"$": "layers.TimeDistributed", "layer": inner}, x)


def attention(d: Drawing, x: int) -> int:
    """Attention of a sequence to itself or to another."""
    shape = d.shape(x)
    kind = d.pick(
        "MultiHeadAttention",
        "MultiHeadAttention",
        "GroupQueryAttention",
        "Attention",
        "AdditiveAttention",
    )
    others = [
        i for i in range(d.count())
        if len(d.shape(i)) == 2 and "float" in d.dtype(i)
        and (kind == "MultiHeadAttention" or d.shape(i)[-1] == shape[-1])
    ]  # fmt: skip
    other = d.pick(x, *others) if d.maybe() else x
    call: dict[str, Any] = {}
    if d.maybe(0.3):
        call["use_causal_mask"] = True
    if kind in ("Attention", "AdditiveAttention"):
        options = (
            {}
            if kind == "AdditiveAttention"
            else d.options(score_mode=("concat",), use_scale=(True,))
        )
        if d.maybe(0.2):
            options |= {"dropout": 0.2, "seed": d.seed()}
        return d.add({"$": f"layers.{kind}", **options}, x, other, form="list", call=call)
    options = d.options(use_bias=(False,))
    if d.maybe(0.2):
        options |= {"dropout": 0.2, "seed": d.seed()}
    if kind == "GroupQueryAttention":
        options |= {
            "head_dim": d.pick(2, 4, 8),
            "num_query_heads": 4,
            "num_key_value_heads": d.pick(1, 2, 4),
        }
    else:
        options |= {"key_dim": d.pick(1, 2, 4, 8, 16), "num_heads": d.pick(1, 2, 3, 4)}
        options |= d.options(value_dim=(2, 5), output_shape=(3, 8))
    return d.add({"$": f"layers.{kind}", **options}, x, other, form="args", call=call)


def transformer(d: Drawing, x: int) -> int:
    """A transformer's block."""
    width = d.shape(x)[-1]
    y = d.layer(x, "LayerNormalization") if d.maybe() else x
    call = {"use_causal_mask": True} if d.maybe() else {}
    made: dict[str, Any] = {
        "$": "layers.MultiHeadAttention",
        "num_heads": d.pick(1, 2, 4),
        "key_dim": d.pick(2, 4, 8),
    }
    y = d.add(made, y, y, form="args", call=call)
    if d.maybe(0.3):
        y = d.layer(y, "Dropout", rate=0.1, seed=d.seed())
    y = d.add({"$": "layers.Add"}, x, y, form="list")
    z = d.layer(y, "LayerNormalization")
    z = d.layer(z, "Dense", units=2 * width, activation="gelu")
    z = d.layer(z, "Dense", units=width)
    return d.add({"$": "layers.Add"}, y, z, form="list")
