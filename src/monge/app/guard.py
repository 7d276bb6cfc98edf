"""Who may ask for what: this machine's own browser, by the address that was printed, with the token in it.

The page is reached by a number that other pages know too, 127.0.0.1. So a name that somebody points there (DNS
rebinding) is refused by the Host header, another page's request by its Origin, and one that has neither by the token,
which only the printed address has. The token comes back as a cookie for pictures and pages, which no other site's
request carries; what changes anything must say it in a header as well, which no form can.
"""

import hmac
from http.cookies import SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER, COOKIE = "x-monge-token", "monge"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
"""What a page may load: nothing from outside, no script inside a page."""
REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; frame-ancestors 'self'"
)
"""Of a run's report, which has its script inside: it stands apart from the page, and reaches nothing."""
LOCAL = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """Refuses requests that do not come from the page itself.

    Arguments:
        app: what answers the others.
        token: the secret of the printed address.
        hosts: names, each with a port, under which the page is reached.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str]) -> None:
        self._app, self._token, self._hosts = app, token, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await PlainTextResponse(refusal, 403)(scope, receive, send)
            return
        fresh = self._same(asked_token(scope))

        async def reply(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("content-security-policy", POLICY)
                headers.setdefault("cache-control", "no-store")
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "no-referrer"
                if fresh:
                    headers.append("set-cookie", f"{COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict")
            await send(message)

        await self._app(scope, receive, reply)

    def _refusal(self, scope: Scope) -> str | None:
        """Why a request is refused, in a line; None for one that is not."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self._hosts:
            return f"Host must be one of {', '.join(sorted(self._hosts))}; got {host!r}"
        if origin is not None and origin != f"http://{host}":
            return f"Origin must be http://{host}; got {origin!r}"
        said = headers.get(HEADER)
        if scope["method"] not in ("GET", "HEAD"):
            return None if self._same(said) else f"{HEADER} must be the token of the printed address"
        known = said or asked_token(scope) or _cookie(headers)
        if scope["path"].startswith("/static/") or self._same(known):
            return None
        return "open the address that monge printed: it has a token, which this one lacks"

    def _same(self, token: str | None) -> bool:
        return token is not None and hmac.compare_digest(token.encode(), self._token.encode())


def asked_token(scope: Scope) -> str | None:
    """The token in a request's address."""
    found = parse_qs(scope["query_string"].decode("latin-1")).get("token")
    return found[0] if found else None


def _cookie(headers: Headers) -> str | None:
    found: SimpleCookie = SimpleCookie()
    found.load(headers.get("cookie", ""))
    return str(found[COOKIE].value) if COOKIE in found else None
