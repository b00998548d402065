"""From a spec to spans of frames: exact times, what each frame shows and what it costs; opens no media."""
