"""Sound: containers, which of their tracks is heard, and decoding it."""
