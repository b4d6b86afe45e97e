"""Who may talk to the server: TLS contexts and passwords, read again when their files change."""

import base64
import binascii
import hashlib
import logging
import secrets
import ssl
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import bcrypt

from monitor.errors import ConfigError, ConfigProblem
from monitor.web.web_config import TlsConfig, WebConfig, load_web_config

log = logging.getLogger(__name__)

CACHED_CHECKS: Final = 100
# bcrypt reads 72 bytes and no more; a longer password counts by these, as elsewhere
_BCRYPT_BYTES: Final = 72


@dataclass(frozen=True, slots=True)
class Access:
    """What one connection has to fulfil."""

    config: WebConfig = field(default_factory=WebConfig)
    context: ssl.SSLContext | None = None


class Passwords:
    """Checks passwords against bcrypt hashes; remembers a few answers, since one check takes 0.1 s."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()
        self._checking = threading.Lock()

    def allow(self, users: Mapping[str, str], authorization: str) -> bool:
        """Whether the value of an Authorization header names a user with the right password."""
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        name, password = credentials
        hashed = users.get(name) or _nobody(users)
        question = hashlib.blake2b(
            b"\0".join((name.encode(), hashed.encode(), password)), key=self._key, digest_size=32
        ).digest()
        with self._lock:
            if question in self._right or question in self._wrong:
                return question in self._right
        with self._checking:  # one at a time: a guesser must not take every core
            right = _matches(password, hashed) and name in users
        with self._lock:
            # apart, so that a thousand guesses do not make driftd forget who is right
            known = self._right if right else self._wrong
            known[question] = None
            if len(known) > CACHED_CHECKS:
                known.popitem(last=False)
        return right


def _credentials(authorization: str) -> tuple[str, bytes] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _nobody(users: Mapping[str, str]) -> str:
    """A hash of no password, so that an unknown user takes as long to refuse as a known one."""
    cost = max((hashed[4:6] for hashed in users.values()), default="10")
    return f"$2b${cost}$" + "." * 53


def _matches(password: bytes, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(password[:_BCRYPT_BYTES], hashed.encode())
    except ValueError:  # bytes that bcrypt cannot take are nobody's password
        return False


class Gate:
    """The access that holds now; without a file: everybody who reaches the port.

    A changed file or certificate is taken up at the next connection. One that is not valid changes
    nothing: the last valid one goes on, and that is logged once and told to `refused`.
    """

    def __init__(self, path: Path | None = None, refused: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self._refused = refused
        self._lock = threading.Lock()
        self._access = Access()
        self._files: tuple[Path, ...] = ()
        self._seen: tuple[tuple[int, ...], ...] = ()
        if path is not None:
            self._read(path)

    def access(self) -> Access:
        """The access for the next connection or request."""
        if self._path is None:
            return self._access
        with self._lock:
            if tuple(map(_version, self._files)) != self._seen:
                try:
                    self._read(self._path)
                except ConfigError as error:
                    extra = {"file": str(self._path), "error": str(error)}
                    log.warning("web configuration not valid, the last one goes on", extra=extra)
                    self._refused()
            return self._access

    def _read(self, path: Path) -> None:
        # versions are taken before the files are read: a change in between is seen at the next look
        self._files = self._files or (path,)
        self._seen = tuple(map(_version, self._files))
        config = load_web_config(path)
        if config.tls is None:
            self._files = (path,)
        else:
            named = (config.tls.cert_file, config.tls.key_file, config.tls.client_ca_file)
            self._files = (path, *(file for file in named if file is not None))
        self._seen = (self._seen[0], *map(_version, self._files[1:]))
        self._access = Access(config, _context(path, config.tls) if config.tls else None)


def _version(file: Path) -> tuple[int, ...]:
    try:
        status = file.stat()
    except OSError:
        return ()
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _context(path: Path, tls: TlsConfig) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = tls.min_version
    files = f"{tls.cert_file} and {tls.key_file}"
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_password)
        if tls.client_ca_file is not None:
            files = str(tls.client_ca_file)
            context.load_verify_locations(tls.client_ca_file)
            context.verify_mode = tls.client_auth
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        message = f"{files} cannot be used: {error}"
        raise ConfigError([ConfigProblem(str(path), 0, 0, "tls_server_config", message)]) from error
    return context


def _no_password() -> str:
    """Refuse a key with a passphrase, where OpenSSL would ask the terminal."""
    message = "the key has a passphrase; remove it"
    raise ValueError(message)
