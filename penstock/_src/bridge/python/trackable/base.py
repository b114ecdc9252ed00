"""`tensorflow.python.trackable.base`: the attribute that holds the value of a variable."""

VARIABLE_VALUE_KEY = "VARIABLE_VALUE"
OBJECT_CONFIG_JSON_KEY = "OBJECT_CONFIG_JSON"
