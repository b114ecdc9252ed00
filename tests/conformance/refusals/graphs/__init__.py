"""Operations added to graphs with drawn static shapes: what TensorFlow's shape functions refuse, ours refuse, and no more.

`draw.py` draws calls and answers them, `record.py` keeps TensorFlow's answers, `test_graphs.py` compares.
"""
