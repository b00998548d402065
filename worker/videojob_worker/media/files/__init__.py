"""What a file is, and reading from it as it is, whatever it holds."""
