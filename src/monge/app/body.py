"""What a request brings: JSON of a bounded size, or a file that is streamed to disk."""

import json
from pathlib import Path
from typing import Any

from starlette.requests import Request

from monge.errors import DiskError, UserError


async def asked(request: Request, most: int) -> dict[str, Any]:
    """The JSON object that a request brings.

    Raises:
        UserError: it is no such thing, or larger than `most` bytes.
    """
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > most:
            raise UserError(f"a request must be at most {most:,} bytes")
    try:
        found = json.loads(content or b"{}")
    except (ValueError, RecursionError) as error:
        raise UserError(f"a request must be JSON: {error}") from error
    if not isinstance(found, dict):
        raise UserError(f"a request must be a JSON object; got {type(found).__name__}")
    return found


async def stored(request: Request, path: Path, most: int) -> int:
    """Writes what a request brings to a file, as it arrives; how many bytes it was.

    Raises:
        UserError: it is larger than `most` bytes; nothing is left then, nor where who sends it goes away.
        DiskError: it cannot be written; nothing is left.
    """
    size = 0
    if int(request.headers.get("content-length", 0)) > most:
        raise UserError(f"a file must be at most {most / 2**20:,.0f} MiB")
    try:
        with path.open("xb") as file:
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise UserError(f"a file must be at most {most / 2**20:,.0f} MiB")
                file.write(part)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise DiskError(f"{path.name} cannot be kept: {error.strerror or error}") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return size
