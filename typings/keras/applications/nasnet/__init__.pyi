from penstock.keras.applications.nasnet import *
