"""What clips are drawn by, picture by picture."""
