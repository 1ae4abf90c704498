"""job1: all sales of a date, from the API into a raw folder."""
