"""tf.map_fn, tf.scan and the folds: functions of rows in a loop, over plain, ragged and sparse tensors."""
