"""A plan in words and numbers, for people and programs: what `videojob plan` shows."""
