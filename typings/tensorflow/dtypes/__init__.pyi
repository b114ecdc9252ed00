from penstock.dtypes import *
