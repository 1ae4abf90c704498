"""Log files: what the rooms say by the standard logging, in a file a day beside the spec."""
