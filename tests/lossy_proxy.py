"""A wire to a Redis that loses answers: what was asked is done, and who asked is not told."""

import contextlib
import socket
import ssl
import threading
from types import TracebackType
from typing import Self

from tests.conditions import WAIT_LIMIT

_PER_ENTRY = {b"*": 1, b"~": 1, b">": 1, b"%": 2}


def _end_of_answer(stream: bytes, start: int = 0) -> int | None:
    """Where the answer that begins at `start` ends; None while a part of it is missing."""
    line_end = stream.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind, head, end = stream[start : start + 1], stream[start + 1 : line_end], line_end + 2
    if kind in (b"$", b"=", b"!"):
        end += 0 if head == b"-1" else int(head) + 2
        return end if end <= len(stream) else None
    for _ in range(_PER_ENTRY.get(kind, 0) * max(0, int(head)) if kind in _PER_ENTRY else 0):
        entry_end = _end_of_answer(stream, end)
        if entry_end is None:
            return None
        end = entry_end
    return end


class LossyProxy:
    """Forwards every connection to a port, and cuts one of them when it is told to.

    With `tls` its clients must speak TLS; the server is spoken to in the clear.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._target = port
        self._tls = tls
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._countdown = 0
        self._inside = False
        self._has_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._begin(self._accept)

    def cut_at(self, answer: int, *, inside: bool = False) -> None:
        """Lose the answer of that number from now on (1: the next), or the end of it."""
        with self._lock:
            self._countdown, self._inside, self._has_cut = answer, inside, False

    @property
    def has_cut(self) -> bool:
        """Whether the answer that was to be lost has come."""
        with self._lock:
            return self._has_cut

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            self._end(*self._sockets)
        for thread in list(self._threads):
            thread.join(WAIT_LIMIT)

    def _begin(self, what: object, *arguments: object) -> None:
        thread = threading.Thread(target=what, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._begin(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(client)
            try:
                if self._tls is not None:
                    client = stack.enter_context(self._tls.wrap_socket(client, server_side=True))
                server = stack.enter_context(socket.create_connection(("127.0.0.1", self._target)))
            except OSError:
                return
            with self._lock:
                self._sockets.update((client, server))
            back = threading.Thread(target=self._answer, args=(client, server))
            back.start()
            with contextlib.suppress(OSError):
                while request := client.recv(65536):
                    server.sendall(request)
            self._end(client, server)
            back.join()
            with self._lock:
                self._sockets -= {client, server}

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        pending = b""
        with contextlib.suppress(OSError):
            while received := server.recv(65536):
                pending += received
                while (end := _end_of_answer(pending)) is not None:
                    answer, pending = pending[:end], pending[end:]
                    kept = self._kept(len(answer))
                    client.sendall(answer[:kept])
                    if kept < len(answer):
                        return self._end(client, server)
        return self._end(client, server)

    def _kept(self, length: int) -> int:
        """How much of an answer is passed on."""
        with self._lock:
            self._countdown -= 1
            if self._countdown != 0:
                return length
            self._has_cut = True
            return length // 2 if self._inside else 0

    def _end(self, *sockets: socket.socket) -> None:
        for connection in sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
