"""VideoHooks: which there are, what they are verified with, and what a delivery becomes."""
