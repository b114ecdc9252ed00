from penstock.keras.dtype_policies import *
