from penstock.keras.applications.xception import *
