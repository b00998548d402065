"""Sound: decoded to 48 kHz stereo, cut, looped, faded and mixed to the sample."""
