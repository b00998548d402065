"""Checks finished outputs before anybody sees them: counted and decoded, not believed."""
