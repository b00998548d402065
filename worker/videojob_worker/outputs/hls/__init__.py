"""HLS: renditions in CMAF segments, cut at the same frames, their playlists and a master playlist over all."""
