from penstock.keras.applications.mobilenet_v3 import *
