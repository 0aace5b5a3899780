"""One folder with everything that an installation without a network needs."""
