from penstock.tpu import *
