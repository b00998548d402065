"""The whole state machine: pure functions from what is observed to what is to be done.

No I/O, no clock, no chance: what the decisions need of these is in what they are given.
"""
