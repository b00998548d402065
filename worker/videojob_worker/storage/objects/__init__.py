"""Object stores: `s3://`, `gs://` and `az://`, by obstore, which is imported when the first of them is used."""
