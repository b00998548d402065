"""Assets: media that users bring, in the place of uploads of a pool, as all replicas see it.

An asset is the bytes that it is: `assets/USER/SHA-256/NAME` below `storage.uploads.prefix`. What has not come whole yet
is a partial upload, in `partial/USER`. Nothing else is kept: any replica goes on where another ended, and the workers
that remove old uploads remove what is left of either.
"""
