from penstock.keras.regularizers import *
