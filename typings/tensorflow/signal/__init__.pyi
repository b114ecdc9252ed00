from penstock.signal import *
