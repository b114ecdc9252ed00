"""Recurrent layers; each is run twice, since they keep states."""

import numpy as np

from tests.interop.tflite.cases import I8, F, case, f32, out, quant
from tests.interop.tflite.models import Tensor


def _state(*shape):
    return Tensor(np.zeros(shape, np.float32), variable=True)


def _w(rows, columns, hybrid):
    if hybrid:
        return quant(I8, rows, columns, scale=0.01, zero=0, constant=True)
    return f32(rows, columns, low=-0.5, high=0.5, constant=True)


def _w_row(units, hybrid):
    if hybrid:
        return quant(I8, units, scale=0.01, zero=0, constant=True)
    return f32(units, constant=True)


def _lstm(n, units, hybrid, gates=4, peepholes=False, projection=0, norms=False):
    """The inputs from the weights on: weights, peepholes, biases, projection."""
    outputs = projection or units
    skip = 4 - gates
    ws = [None] * skip + [_w(units, n, hybrid) for _ in range(gates)]
    ws += [None] * skip + [_w(units, outputs, hybrid) for _ in range(gates)]
    holes = [None if i < skip or not peepholes else _w_row(units, hybrid) for i in range(3)]
    biases = [None] * skip + [f32(units, constant=True) for _ in range(gates)]
    ends = (
        [_w(projection, units, hybrid), f32(projection, constant=True)]
        if projection
        else [None, None]
    )
    return ws + holes + biases + ends


_B, _N, _U, _T = 2, 5, 4, 6
for _hybrid in (False, True):
    _more = {"rtol": 1e-4, "atol": 1e-5, "runs": 2}
    for _asymmetric in (False, True) if _hybrid else (False,):
        _f = {"fused_activation_function": 4, "asymmetric_quantize_inputs": _asymmetric}
        _n = f"hybrid={_hybrid} {_asymmetric}"
        case(
            "RNN",
            [
                f32(_B, _N),
                _w(_U, _N, _hybrid),
                _w(_U, _U, _hybrid),
                f32(_U, constant=True),
                _state(_B, _U),
            ],
            [out(F)],
            "RNNOptions",
            _n,
            fields=_f,
            **_more,
        )
        for _major in (True, False):
            _x = f32(*((_T, _B, _N) if _major else (_B, _T, _N)))
            _fm = {**_f, "time_major": _major}
            _m = f"{_n} {_major}"
            case(
                "UNIDIRECTIONAL_SEQUENCE_RNN",
                [
                    _x,
                    _w(_U, _N, _hybrid),
                    _w(_U, _U, _hybrid),
                    f32(_U, constant=True),
                    _state(_B, _U),
                ],
                [out(F)],
                "SequenceRNNOptions",
                _m,
                fields=_fm,
                **_more,
            )
            _both = [
                t
                for _ in range(2)
                for t in (
                    _w(_U, _N, _hybrid),
                    _w(_U, _U, _hybrid),
                    f32(_U, constant=True),
                    _state(_B, _U),
                )
            ]
            if not (_hybrid and _major):  # there the reference reads memory that is not its own
                case(
                    "BIDIRECTIONAL_SEQUENCE_RNN",
                    [_x, *_both, None, None, None],
                    [out(F), out(F)],
                    "BidirectionalSequenceRNNOptions",
                    _m,
                    fields=_fm,
                    **_more,
                )
                case(
                    "BIDIRECTIONAL_SEQUENCE_RNN",
                    [_x, *_both, None, None, None],
                    [out(F)],
                    "BidirectionalSequenceRNNOptions",
                    f"merged {_m}",
                    fields={**_fm, "merge_outputs": True},
                    **_more,
                )
            for _form, _kw in (
                ("", {}),
                ("cifg", {"gates": 3}),
                ("peep", {"peepholes": True}),
                ("proj", {"projection": 3}),
                ("all", {"gates": 3, "peepholes": True, "projection": 3}),
            ):
                _o = _kw.get("projection", _U)
                _inputs = [_x, *_lstm(_N, _U, _hybrid, **_kw), _state(_B, _o), _state(_B, _U)]
                _fc = {
                    **_fm,
                    "cell_clip": 0.7 if _form == "all" else 0.0,
                    "proj_clip": 0.3 if _form == "all" else 0.0,
                }
                case(
                    "UNIDIRECTIONAL_SEQUENCE_LSTM",
                    _inputs,
                    [out(F)],
                    "UnidirectionalSequenceLSTMOptions",
                    f"{_form} {_m}",
                    fields=_fc,
                    **_more,
                )
                if not _hybrid:
                    _norms = [
                        None if i < 4 - _kw.get("gates", 4) else f32(_U, low=0.5, constant=True)
                        for i in range(4)
                    ]
                    case(
                        "UNIDIRECTIONAL_SEQUENCE_LSTM",
                        [*_inputs, *_norms],
                        [out(F)],
                        "UnidirectionalSequenceLSTMOptions",
                        f"norm {_form} {_m}",
                        fields=_fc,
                        **_more,
                    )
                _two = [*_lstm(_N, _U, _hybrid, **_kw), *_lstm(_N, _U, _hybrid, **_kw)]
                _states = [_state(_B, _o), _state(_B, _U), _state(_B, _o), _state(_B, _U)]
                case(
                    "BIDIRECTIONAL_SEQUENCE_LSTM",
                    [_x, *_two, *_states, *[None] * 9],
                    [out(F), out(F)],
                    "BidirectionalSequenceLSTMOptions",
                    f"{_form} {_m}",
                    fields=_fc,
                    **_more,
                )
        case(
            "LSTM",
            [f32(_B, _N), *_lstm(_N, _U, _hybrid), _state(_B, _U), _state(_B, _U)],
            [out(F)],
            "LSTMOptions",
            _n,
            fields=_f,
            **_more,
        )
        case(
            "SVDF",
            [
                f32(_B, _N),
                _w(8, _N, _hybrid),
                _w(8, 3, _hybrid),
                f32(4, constant=True),
                _state(_B, 24),
            ],
            [out(F)],
            "SVDFOptions",
            _n,
            fields={
                "rank": 2,
                "fused_activation_function": 1,
                "asymmetric_quantize_inputs": _asymmetric,
            },
            **_more,
        )
case(
    "LSTM",
    [
        f32(_B, _N),
        f32(_B, _U),
        f32(4 * _U, _N + _U, constant=True),
        f32(4 * _U, constant=True),
        f32(_B, _U),
    ],
    [out(F)] * 4,
    "LSTMOptions",
    "basic",
    fields={"fused_activation_function": 4, "kernel_type": 1},
    rtol=1e-5,
    atol=1e-5,
)


def _int8(*shape, scale):
    return quant(I8, *shape, scale=scale, zero=0, constant=True)


def _integer_lstm(gates=4, peepholes=False, projection=0, **fields):
    """Inputs of an LSTM of int8, with states that begin as zeros."""
    skip, outputs = 4 - gates, projection or _U
    draw = np.random.default_rng(4)
    x = quant(I8, _T, _B, _N, scale=0.02, zero=5)
    ws = [None] * skip + [_int8(_U, _N, scale=0.01 + 0.001 * i) for i in range(gates)]
    ws += [None] * skip + [_int8(_U, outputs, scale=0.008 + 0.001 * i) for i in range(gates)]
    holes = [
        None
        if i < skip or not peepholes
        else Tensor(draw.integers(-32767, 32768, _U).astype(np.int16), constant=True, scales=2e-5)
        for i in range(3)
    ]
    biases = [None] * skip + [
        Tensor(draw.integers(-2000, 2000, _U).astype(np.int32), constant=True, scales=0.02 * 0.01)
        for _ in range(gates)
    ]
    ends = [None, None]
    if projection:
        bias = Tensor(
            draw.integers(-200, 200, projection).astype(np.int32), constant=True, scales=8e-5
        )
        ends = [_int8(projection, _U, scale=0.01), bias]
    state = Tensor(np.zeros((_B, outputs), np.int8), variable=True, scales=0.007, zeros=-3)
    cell = Tensor(np.zeros((_B, _U), np.int16), variable=True, scales=2.0**-11)
    between = tuple(Tensor(dtype=np.int16, scales=2.0**-12) for _ in range(4))
    hidden = Tensor(
        dtype=np.int8, scales=0.008 if projection else 0.007, zeros=4 if projection else -3
    )
    case(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", [x, *ws, *holes, *biases, *ends, state, cell, *[None] * 4], [out(I8, 0.007, -3)],
        "UnidirectionalSequenceLSTMOptions", f"int8 {gates} {peepholes} {projection} {fields}", runs=2, intermediates=(*between, hidden),
        fields={"fused_activation_function": 4, "time_major": True, **fields},
    )  # fmt: skip


_integer_lstm()
_integer_lstm(gates=3)
_integer_lstm(peepholes=True)
_integer_lstm(projection=3)
_integer_lstm(cell_clip=1.0)
_integer_lstm(projection=3, proj_clip=0.5)
for _act in (1,):
    case(
        "SVDF",
        [
            quant(I8, _B, _N, scale=0.02, zero=5),
            _int8(8, _N, scale=0.01),
            Tensor(np.random.default_rng(1).integers(-9000, 9000, (8, 3)).astype(np.int16), constant=True, scales=1e-4),
            Tensor(np.random.default_rng(1).integers(-900, 900, 4).astype(np.int32), constant=True, scales=1e-7),
            Tensor(np.zeros((_B, 24), np.int16), variable=True, scales=1e-3),
        ],
        [out(I8, 0.02, -3)], "SVDFOptions", f"act={_act}", runs=3,
        fields={"rank": 2, "fused_activation_function": _act},
    )  # fmt: skip
