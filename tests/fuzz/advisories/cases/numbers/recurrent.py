"""Recurrent cells."""

from tests.fuzz.advisories.case import f32, i64, none, raw

CASES = (
    raw("CVE-2022-29200", "LSTMBlockCell", x=f32(1), cs_prev=f32(1, 1), h_prev=f32(1, 1), w=f32(2, 4), wci=f32(1), wcf=f32(1), wco=f32(1), b=f32(4)),
    raw("CVE-2022-29200", "LSTMBlockCell", x=f32(1, 1), cs_prev=f32(1), h_prev=f32(9, 1), w=f32(2, 4), wci=f32(1), wcf=f32(1), wco=f32(1), b=f32(4)),
    raw("CVE-2022-35964", "BlockLSTMV2", seq_len_max=i64([]), x=f32(1, 1, 1), cs_prev=f32(1, 1), h_prev=f32(1, 1), w=f32(2, 4), wci=f32(1), wcf=f32(1), wco=f32(1), b=f32(4)),
    raw("CVE-2022-35964", "BlockLSTMGradV2", seq_len_max=i64(7), x=f32(1, 1, 1), cs_prev=f32(1, 1), h_prev=none(0, 1), w=f32(2, 4), wci=f32(1), wcf=f32(1), wco=f32(1), b=f32(4), i=f32(1, 1, 1), cs=f32(1, 1, 1), f=f32(1, 1, 1), o=f32(1, 1, 1), ci=f32(1, 1, 1), co=f32(1, 1, 1), h=f32(1, 1, 1), cs_grad=f32(1, 1, 1), h_grad=f32(1, 1, 1), use_peephole=False),
    raw("CVE-2023-25658", "GRUBlockCellGrad", x=f32(2, 1), h_prev=f32(1, 1), w_ru=f32(2, 2), w_c=f32(2, 1), b_ru=none(0), b_c=f32(1), r=f32(1, 1), u=f32(1, 1), c=f32(1, 1), d_h=f32(1, 1)),
    raw("CVE-2023-25658", "GRUBlockCell", x=f32(1, 1), h_prev=f32(1, 1), w_ru=f32(9, 9), w_c=f32(2, 1), b_ru=f32(2), b_c=f32(1)),
)  # fmt: skip
