"""Makes files of pictures and sound: H.264 by x264 in segments side by side, AAC, and the mp4 around them."""
