"""The record of an examination: a folder with results, a hash-chained custody log, and a seal that shows changes."""
