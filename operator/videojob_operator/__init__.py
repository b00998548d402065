"""The VideoJob operator: observe, decide, act."""
