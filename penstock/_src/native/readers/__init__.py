"""Native readers of file formats: functions over bytes that Python calls for whole batches.

Files. Formats are read by native functions over whole batches (`native/readers`, a file each): they find where values stand and write them into
columns. They know the form that writers produce and say so of any other, which is then read by the protocol buffers' own library, slowly; that one
also says what is wrong with damaged data (`ops/parsing/columns.py`). Every path of a user goes through `filesystems/files.py`: local, `ram://`, or a
URL that fsspec opens, a folder for each kind. What is saved appears whole or not at all, several files together (`filesystems/transaction.py`).
"""
