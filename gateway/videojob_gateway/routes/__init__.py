"""Routes: each reads what is asked, has it done, and says how it went."""
