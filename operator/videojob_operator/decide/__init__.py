"""The whole state machine: pure functions from what is observed to what is to be done. No I/O, no clock, no chance."""
