"""Outputs: planned before any frame, fed from as few passes over the frames as they need, put together and checked."""
