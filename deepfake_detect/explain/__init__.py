"""Maps, time lines and crops: what a finding can show of its grounds."""
