"""The address that a server listens on."""

import socket

from monge.errors import UserError

PORT = 8642
"""Where the page is, unless something else is there already."""


def bound(host: str, port: int | None) -> socket.socket:
    """A socket that listens.

    Raises:
        UserError: the address is taken, or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in (PORT, 0) if port is None else (port,):
        listening = socket.socket(family)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, number))
        except (OSError, OverflowError) as error:
            listening.close()
            problem = error
            continue
        listening.listen()
        return listening
    reason = problem.strerror if isinstance(problem, OSError) else "a port is from 0 to 65535"
    raise UserError(f"--host {host} --port {port} cannot be listened on: {reason}")
