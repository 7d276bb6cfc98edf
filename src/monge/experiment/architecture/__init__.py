"""Claims about networks: which objectives work with which of them."""
