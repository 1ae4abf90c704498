"""job2: the raw files of a folder, checked and written as Avro into another."""
