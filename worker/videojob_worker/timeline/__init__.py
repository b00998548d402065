"""What is seen when: exact times, spans of frames that are made alike, and the segments they are encoded in."""
