"""Makes pictures: planar YUV 4:2:0, 8 bits, BT.709, limited range, in one array of `(height * 3 / 2, width) uint8`."""
