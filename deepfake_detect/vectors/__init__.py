"""Small media with known results, for the self-test; `tests/media/make_vectors.py` makes them."""
