from penstock.keras.preprocessing.sequence import *
