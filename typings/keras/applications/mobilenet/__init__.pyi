from penstock.keras.applications.mobilenet import *
