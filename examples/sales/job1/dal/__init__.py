"""Where job1 reads and writes, in pieces that can be used alone; its server needs neither."""
