"""A page on this machine alone, for a person who has never opened a terminal."""
