"""Pictures as arrays: their colours, sizes and places; knows nothing of files, times or plans."""
