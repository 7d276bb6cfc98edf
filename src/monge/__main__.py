"""`python -m monge`, the same as the command `monge`."""

from monge.cli import main

if __name__ == "__main__":
    main()
