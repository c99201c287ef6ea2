"""One file per verb: what is done, in which order, through the ports of `ports.py`."""
