"""From a spec to spans of frames: exact times, what each frame shows, and what it will cost; no media is opened."""
