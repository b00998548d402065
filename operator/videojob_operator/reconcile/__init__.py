"""Observe, decide, act: one module a kind of key, and the resync that finds what events missed."""
