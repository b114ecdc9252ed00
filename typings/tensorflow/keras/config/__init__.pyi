from penstock.keras.config import *
