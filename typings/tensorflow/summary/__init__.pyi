from penstock.summary import *
