"""The render plan: a job resolved once, with its outputs, copies and memory, before any frame is made."""
