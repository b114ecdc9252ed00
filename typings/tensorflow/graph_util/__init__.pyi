from penstock.graph_util import *
