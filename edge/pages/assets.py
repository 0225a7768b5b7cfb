"""What pages are made of besides HTML: scripts, styles, words. Read once, packed once, named by their content.

An address with the version in it may be kept for good. One without it is for other sites, which write it down.
"""

import gzip
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

from edge.dialect import ProblemDetails
from edge.errors import NotFound
from edge.http import Headers, Reply, Request

_MEDIA_TYPES = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "json": b"application/json",
    "png": b"image/png",
    "svg": b"image/svg+xml",
}
_INCLUDE = re.compile(rb"^// @include (\S+)$", re.MULTILINE)  # as in lua/: one level deep
_VERSION = re.compile(r"[0-9a-f]{16}")
_TAKES_GZIP = re.compile(rb"(?:^|[\s,])(?:gzip|\*)\s*(?:,|$|;\s*q=(?:1|0\.0*[1-9]))", re.IGNORECASE)
_FOR_GOOD = b"public, max-age=31536000, immutable"
_FOR_MINUTES = b"public, max-age=300"
# Scripts and words are for pages of any site: what they may do there is said by the answers of the API.
_SHARED: Headers = (
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"accept-encoding"),
)


class AssetsDialect(ProblemDetails):
    """A script of any site may look whether there is a file, and read that there is none."""

    def headers(self, request: Request, error: Exception) -> Headers:
        return (*_SHARED, *super().headers(request, error))


class _Form(NamedTuple):
    """An asset as it is sent."""

    body: bytes
    headers: Headers
    etag: bytes


class _Asset(NamedTuple):
    plain: _Form
    packed: _Form


class Assets:
    """Files by their names, all of one version."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        digest = sha256()
        for name, content in sorted(files.items()):
            digest.update(sha256(name.encode()).digest() + sha256(content).digest())
        self.version = digest.hexdigest()[:16]
        self._assets = {name: _made(name, content) for name, content in files.items()}

    def url(self, name: str) -> str:
        """Where the file of this version is. What it names beside itself is there too.

        Raises:
            KeyError: there is no such file.
        """
        self._assets[name]
        return f"/assets/{self.version}/{name}"

    def reply(self, request: Request, name: str, version: str | None = None) -> Reply:
        """The file, unless the client has it.

        A version that is not ours is another edge's, during a deployment: its file may be another, so what it gets
        is not kept for good.

        Raises:
            NotFound
        """
        if name not in self._assets or (version is not None and not _VERSION.fullmatch(version)):
            raise NotFound
        takes_gzip = _TAKES_GZIP.search(request.headers.get(b"accept-encoding", b"")) is not None
        form = self._assets[name].packed if takes_gzip else self._assets[name].plain
        kept = (b"cache-control", _FOR_GOOD if version == self.version else _FOR_MINUTES)
        if form.etag in request.headers.get(b"if-none-match", b""):
            return Reply(304, b"", ((b"etag", form.etag), kept, *_SHARED))
        return Reply(200, form.body, (*form.headers, (b"etag", form.etag), kept, *_SHARED))


def read_assets(package: str) -> Assets:
    """All files of a package that are of a kind that browsers get, whatever folder they are in.

    A line `// @include NAME` is replaced by that file, so that what a site embeds is one script.
    """
    files = dict(_files(resources.files(package)))
    return Assets({name: _INCLUDE.sub(lambda match: files[match[1].decode()], files[name]) for name in files})


def _files(folder: Traversable) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry)
        elif _suffix(entry.name) in _MEDIA_TYPES:
            yield entry.name, entry.read_bytes()


def _suffix(name: str) -> str:
    return name.rpartition(".")[2]


def _made(name: str, content: bytes) -> _Asset:
    digest = sha256(content).hexdigest()[:16].encode()
    of_kind = (b"content-type", _MEDIA_TYPES[_suffix(name)])
    plain = _Form(content, (of_kind,), b'"%s"' % digest)
    packed = gzip.compress(content, compresslevel=9, mtime=0)  # the same by every worker
    if len(packed) >= len(content):
        return _Asset(plain, plain)
    return _Asset(plain, _Form(packed, (of_kind, (b"content-encoding", b"gzip")), b'"%s-gzip"' % digest))
