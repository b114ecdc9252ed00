"""Ops that read and write files: records, checkpoints; and bytes that hold messages or numbers.

Read file.py first. Checkpoints: save_restore.py has the ops, bundle.py the format, sstable.py its index, bundle_data.py its data,
checkpoint_v1.py and slices.py the older format, remap.py changed vocabularies. messages.py and proto_fields.py read and write
protocol buffers, wav.py sounds, decode.py other bytes.
"""
