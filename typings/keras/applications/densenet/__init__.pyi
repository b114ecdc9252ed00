from penstock.keras.applications.densenet import *
