"""The history of rounds: an index beside the commit records, which are the truth and make it again."""
