from penstock.keras.ops.image import *
