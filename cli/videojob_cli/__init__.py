"""The `videojob` command."""
