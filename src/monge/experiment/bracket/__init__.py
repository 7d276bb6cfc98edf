"""Claims about the bracket: its limits are honest, and its excess sees what is wrong."""
