"""Where job2 writes, in a piece that can be used alone; its server does not need it."""
