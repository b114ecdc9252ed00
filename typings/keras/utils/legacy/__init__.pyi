from penstock.keras.utils.legacy import *
