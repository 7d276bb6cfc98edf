"""Claims about generators: modes, latent spaces, what their losses mean."""
