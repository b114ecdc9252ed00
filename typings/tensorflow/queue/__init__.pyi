from penstock.queue import *
