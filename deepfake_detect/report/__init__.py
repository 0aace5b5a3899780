"""Reports as JSON, JSON Lines, CSV and HTML, and the case folder that holds them."""
