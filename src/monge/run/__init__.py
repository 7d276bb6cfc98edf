"""What lies on disk, and processes side by side; no network is known here."""
