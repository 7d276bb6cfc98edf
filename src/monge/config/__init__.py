"""Settings and names, without torch: `monge --help` must answer at once."""
