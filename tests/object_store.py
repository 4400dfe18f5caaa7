"""An object store on this machine: gcp-storage-emulator, and of Google's own what tensorstore needs besides.

A download says its object's generation, and a request with a condition on that is refused where it does not hold
(https://cloud.google.com/storage/docs/request-preconditions).
"""

import contextlib
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote, urlsplit

from gcp_storage_emulator import server
from gcp_storage_emulator.exceptions import NotFound

BUCKET = "bucket"


class _Handler(server.RequestHandler):
    """One request after the other, so that between a condition and what is done nothing happens."""

    def handle_one_request(self) -> None:
        self._generation = None
        super().handle_one_request()

    def do_GET(self) -> None:
        if "media" in self._query().get("alt", ()):
            self._generation = self._current()
        if self._current() in self._query().get("ifGenerationNotMatch", ()):
            return self._refuse(304)
        super().do_GET()

    def do_POST(self) -> None:
        wanted = self._query().get("ifGenerationMatch")
        if wanted and "upload_id" not in self._query() and self._current() not in wanted:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return self._refuse(412)
        super().do_POST()

    def end_headers(self) -> None:
        if self._generation:
            self.send_header("X-Goog-Generation", self._generation)
        super().end_headers()

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query)

    def _current(self) -> str:
        """The generation of the object that is asked for, or is to be written; 0 for none."""
        found = re.search(r"/b/([^/]+)/o(?:/([^/]+))?$", urlsplit(self.path).path)
        name = found and (unquote(found[2]) if found[2] else self._query().get("name", [""])[0])
        with contextlib.suppress(NotFound):
            return str(self.storage.get_file_obj(found[1], name)["generation"]) if name else "0"
        return "0"


@contextlib.contextmanager
def running(port: int = 0) -> Iterator[dict[str, str]]:
    """Runs it with an empty bucket; yields the variables of the environment by which clients find it."""
    emulator = server.create_server("127.0.0.1", port, in_memory=True, default_bucket=BUCKET)
    before, server.RequestHandler = server.RequestHandler, _Handler
    try:
        emulator.start()
        address = f"http://127.0.0.1:{emulator._api._httpd.server_address[1]}"
        yield {
            "STORAGE_EMULATOR_HOST": address,  # of gcsfs
            "TENSORSTORE_GCS_HTTP_URL": address,
            "GOOGLE_AUTH_TOKEN_FOR_TESTING": "any",  # of tensorstore
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # gcsfs would ask a service that is not there
        }
    finally:
        server.RequestHandler = before
        emulator.stop()
