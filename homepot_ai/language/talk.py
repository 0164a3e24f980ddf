"""One conversation with an Ollama server, within a total deadline; what goes wrong has a name.

httpx counts its timeouts for each read: a server that sends a byte now and then would hold a caller for
ever. So each call runs in an event loop of its own, on a thread of its own, and is cancelled as a whole;
the cut connection also tells Ollama to stop generating. The thread itself is waited for only that long too:
resolving a name cannot be cancelled.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

from homepot_ai.language.model import Outcome
from homepot_ai.text import clean

if TYPE_CHECKING:
    from ollama import AsyncClient

T = TypeVar("T")

#: An answer of a few sentences is some kilobytes: a server that sends more is mad.
MOST_BYTES = 2_000_000
#: How long a connection may take to be made, whatever the deadline.
CONNECT_S = 2.0
#: Beyond the deadline, for the cancelled call to close its connection.
_GRACE_S = 0.1

Think = bool | Literal["low", "medium", "high"] | None


class Failed(Exception):
    """A call ended otherwise than with an answer; stays inside the client."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        self.outcome = outcome
        self.detail = clean(detail, 300)
        super().__init__(f"{outcome}: {self.detail}")


@dataclass(frozen=True)
class Installed:
    """A model that a server holds; `size` in bytes."""

    name: str
    digest: str
    size: int


@dataclass(frozen=True)
class Said:
    """What a model said.

    Attributes:
        cut: it stopped because it was at the end of its allowance, not because it was done.
        prompt_tokens, answer_tokens: as the server counted them; None where it did not say.
    """

    text: str
    cut: bool
    prompt_tokens: int | None
    answer_tokens: int | None


@dataclass(frozen=True)
class Line:
    """The way to one server.

    Args:
        url: `http://host:port`. Proxies of the environment are not used and redirects not followed: what is
            said goes to this address only.

    >>> Line("http://127.0.0.1:9").models(deadline_s=1)                     # nobody listens there
    Traceback (most recent call last):
    homepot_ai.language.talk.Failed: unreachable: http://127.0.0.1:9 does not answer
    """

    url: str

    def models(self, *, deadline_s: float) -> list[Installed]:
        """Every installed model.

        Raises:
            Failed: the server did not say.
        """

        async def ask(client: AsyncClient) -> list[Installed]:
            listed = await client.list()
            return [
                Installed(one.model, one.digest or "", int(one.size or 0))
                for one in listed.models
                if one.model
            ]

        return self._within(deadline_s, ask, knock=True)

    def loaded(self, *, deadline_s: float) -> dict[str, int]:
        """The models in memory, with the bytes that each takes.

        Raises:
            Failed: the server did not say.
        """

        async def ask(client: AsyncClient) -> dict[str, int]:
            return {one.model: int(one.size or 0) for one in (await client.ps()).models if one.model}

        return self._within(deadline_s, ask)

    def version(self, *, deadline_s: float) -> str:
        """The server's version.

        Raises:
            Failed: the server did not say.
        """

        async def ask(client: AsyncClient) -> str:
            # The package has no call for it.
            answer = await client._client.get("/api/version")
            answer.raise_for_status()
            return clean(str(answer.json()["version"]), 40)

        return self._within(deadline_s, ask)

    def load(self, model: str, *, keep_alive: str, num_ctx: int, deadline_s: float) -> None:
        """Have a model in memory before it is asked; with another `num_ctx` it would be loaded again.

        Raises:
            Failed: it could not be loaded within the deadline.
        """

        async def ask(client: AsyncClient) -> None:
            await client.generate(model, keep_alive=keep_alive, options={"num_ctx": num_ctx})

        self._within(deadline_s, ask)

    def chat(
        self,
        model: str,
        messages: Sequence[Mapping[str, str]],
        *,
        form: dict[str, Any] | Literal["json"] | None,
        think: Think,
        options: Mapping[str, Any],
        keep_alive: str,
        deadline_s: float,
    ) -> Said:
        """Ask a model; `form` is the JSON schema that its answer is held to.

        Raises:
            Failed: there is no answer.
        """

        async def ask(client: AsyncClient) -> Said:
            got = await client.chat(
                model,
                messages,
                format=form,
                think=think,
                options=dict(options),
                keep_alive=keep_alive,
                stream=False,
            )
            return Said(
                got.message.content or "", got.done_reason == "length", got.prompt_eval_count, got.eval_count
            )

        return self._within(deadline_s, ask)

    def _within(
        self, deadline_s: float, ask: Callable[[AsyncClient], Awaitable[T]], *, knock: bool = False
    ) -> T:
        done: list[T] = []
        failed: list[BaseException] = []

        async def call() -> None:
            async with asyncio.timeout(deadline_s):
                client = _client(self.url, deadline_s)
                try:
                    done.append(await ask(client))
                finally:
                    await client._client.aclose()

        def run() -> None:
            try:
                if knock:
                    _knock(self.url, deadline_s)
                asyncio.run(call())
            except BaseException as error:
                failed.append(error)

        if deadline_s <= 0:
            raise Failed(Outcome.TIMEOUT, "no time was left to ask")
        thread = threading.Thread(target=run, name="ollama", daemon=True)
        thread.start()
        thread.join(deadline_s + _GRACE_S)
        if done:
            return done[0]
        if failed:
            raise _named(failed[0], self.url, deadline_s) from failed[0]
        raise Failed(Outcome.TIMEOUT, f"{self.url} said nothing within {deadline_s:.1f} s")


def _knock(url: str, deadline_s: float) -> None:
    """Whether anybody listens: most often nobody does, and half a second of imports is spared."""
    there = urlsplit(url)
    place = (there.hostname or "", there.port or (443 if there.scheme == "https" else 80))
    try:
        socket.create_connection(place, timeout=min(CONNECT_S, deadline_s)).close()
    except OSError as error:
        raise Failed(Outcome.UNREACHABLE, f"{url} does not answer") from error


def _client(url: str, deadline_s: float) -> AsyncClient:
    import httpx
    from ollama import AsyncClient

    class Counted(httpx.AsyncByteStream):
        """A stream that ends in an error beyond MOST_BYTES."""

        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            read = 0
            async for part in self._stream:
                read += len(part)
                if read > MOST_BYTES:
                    raise Failed(Outcome.GARBAGE, f"the answer is over {MOST_BYTES} bytes long")
                yield part

        async def aclose(self) -> None:
            await self._stream.aclose()

    class Capped(httpx.AsyncHTTPTransport):
        """Reads no more of an answer than an answer can be."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await super().handle_async_request(request)
            answer.stream = Counted(answer.stream)
            return answer

    return AsyncClient(
        url,
        # A transport of our own: proxies that the environment names are not for us.
        transport=Capped(verify=url.startswith("https")),
        follow_redirects=False,
        timeout=httpx.Timeout(deadline_s, connect=min(CONNECT_S, deadline_s)),
    )


def _named(error: BaseException, url: str, deadline_s: float) -> Failed:
    if isinstance(error, Failed):
        return error
    import httpx
    from ollama import ResponseError

    if isinstance(error, ConnectionError | httpx.ConnectError | httpx.ConnectTimeout | httpx.InvalidURL):
        return Failed(Outcome.UNREACHABLE, f"{url} does not answer")
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Failed(Outcome.TIMEOUT, f"{url} was not done within {deadline_s:.1f} s")
    if isinstance(error, ResponseError):
        missing = error.status_code == 404
        return Failed(
            Outcome.MISSING if missing else Outcome.REFUSED, f"HTTP {error.status_code}: {error.error}"
        )
    if isinstance(error, httpx.HTTPStatusError):
        return Failed(Outcome.REFUSED, f"HTTP {error.response.status_code}")
    if isinstance(error, httpx.HTTPError):
        return Failed(Outcome.CUT, f"the connection to {url} broke ({type(error).__name__})")
    # Whatever else the package stumbles over when it reads an answer: not JSON, not an object, no such field.
    return Failed(Outcome.GARBAGE, f"the answer is none of Ollama's ({type(error).__name__})")
