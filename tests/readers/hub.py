"""A stand-in of the Hugging Face hub on this machine: data sets as files, over the calls that reading them makes."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self._data_set()
        if name is None or "/paths-info/" not in self.path:
            return self._fail(404)
        wanted = re.findall(r"paths=([^&]+)", asked.decode())
        try:
            wanted = json.loads(asked)["paths"]
        except ValueError:
            wanted = [unquote(one) for one in wanted]
        files = self._files(name)
        return self._send([self._entry(path, files[path]) for path in wanted if path in files])

    def _answer(self) -> None:
        name = self._data_set()
        path = urlsplit(self.path).path
        if name is None:
            return self._fail(404, "RepoNotFound")
        files = self._files(name)
        if "/resolve/" in path:
            file = unquote(path.split("/resolve/", 1)[1].split("/", 1)[1])
            return self._send_file(files[file]) if file in files else self._fail(404, "EntryNotFound")
        if "/tree/" in path:
            return self._send([self._entry(one, content) for one, content in files.items()])
        if path.startswith("/api/datasets/"):
            siblings = [{"rfilename": one} for one in files]
            return self._send(
                {"id": name, "sha": SHA, "private": False, "tags": [], "downloads": 0, "siblings": siblings}
            )
        return self._fail(404, "EntryNotFound")

    def _data_set(self) -> str | None:
        path = urlsplit(self.path).path.removeprefix("/api").removeprefix("/datasets/")
        return next((name for name in self.server.data_sets if path == name or path.startswith(f"{name}/")), None)  # type: ignore[attr-defined]  # set below

    def _files(self, name: str) -> dict[str, bytes]:
        return self.server.data_sets[name]  # type: ignore[attr-defined]  # set below

    def _entry(self, path: str, content: bytes) -> dict[str, object]:
        return {"type": "file", "oid": "0" * 40, "size": len(content), "path": path}

    def _send(self, value: object) -> None:
        self._send_bytes(json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send_file(self, content: bytes) -> None:
        headers = {"ETag": '"1"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
        if span := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(span[1]), int(span[2] or len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{min(last, len(content) - 1)}/{len(content)}"
            return self._send_bytes(content[first : last + 1], headers, 206)
        return self._send_bytes(content, headers)

    def _send_bytes(self, content: bytes, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _fail(self, status: int, code: str = "") -> None:
        self._send_bytes(b"{}", {"X-Error-Code": code, "Content-Type": "application/json"}, status)

    def log_message(self, *_: object) -> None:
        """Nothing on stderr: what the tests read there is the command's."""


@contextmanager
def running_hub(data_sets: dict[str, dict[str, bytes]]) -> Iterator[str]:
    """Serve data sets (name to files) and give the address for HF_ENDPOINT."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.data_sets = data_sets  # type: ignore[attr-defined]  # for the handler
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
