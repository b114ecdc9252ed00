from penstock.sysconfig import *
