"""The command line. Each command imports its rooms when it runs, so that `levada --help` answers at once."""
