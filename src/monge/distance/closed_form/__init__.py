"""Laws whose distances are known in closed form."""
