"""The web configuration file: the part of the Prometheus exporter-toolkit's format that driftd serves.

`tls_server_config`, `basic_auth_users` and `http_server_config.headers`; every other key is refused at
its line, so that nobody believes in a protection that is not there.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from monitor.config.messages import unknown_key
from monitor.config.positions import Document, Where, read_document
from monitor.errors import ConfigError, ConfigProblem

T = TypeVar("T")

HEADERS: Final = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
)
"""The response headers that the format lets a user set."""

_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_BCRYPT: Final = re.compile(r"\$2[abxy]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
_TLS_KEYS: Final = ("cert_file", "key_file", "client_ca_file", "client_auth_type", "min_version")


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """Where certificates lie and what is asked of clients."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None
    client_auth: ssl.VerifyMode
    min_version: ssl.TLSVersion


@dataclass(frozen=True, slots=True)
class WebConfig:
    """How the server protects itself; the empty one: plain HTTP, no passwords."""

    tls: TlsConfig | None = None
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Bcrypt hash of the password by name."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def authenticated(self) -> bool:
        """Whether a client has proved who it is before it is answered."""
        return bool(self.users) or (self.tls is not None and self.tls.client_auth is ssl.CERT_REQUIRED)


def load_web_config(path: Path) -> WebConfig:
    """Read the file; relative paths in it are relative to it. Raises ConfigError with every problem."""
    document, problems = read_document(path, {})
    if document is None:
        raise ConfigError(problems)
    reading = _Reading(path, document, list(problems))
    config = reading.config()
    if reading.problems:
        raise ConfigError(sorted(reading.problems))
    return config


@dataclass(slots=True)
class _Reading:
    """One file with the problems found so far."""

    path: Path
    document: Document
    problems: list[ConfigProblem]

    def config(self) -> WebConfig:
        top = self.section((), ("tls_server_config", "basic_auth_users", "http_server_config"))
        tls = self.tls() if "tls_server_config" in top else None
        return WebConfig(tls, self.users(), self.headers())

    def tls(self) -> TlsConfig | None:
        where: Where = ("tls_server_config",)
        given = self.section(where, _TLS_KEYS)
        for key in ("cert_file", "key_file"):
            if key not in given:
                self.report((*where, key), "the key is required and missing")
        cert = self.file(where, "cert_file")
        private = self.file(where, "key_file")
        authority = self.file(where, "client_ca_file")
        auth = self.choice((*where, "client_auth_type"), _CLIENT_AUTH, "NoClientCert")
        version = self.choice((*where, "min_version"), _VERSIONS, "TLS12")
        if authority is None and auth is not ssl.CERT_NONE:
            self.report((*where, "client_auth_type"), "client_ca_file is needed to verify clients")
        if authority is not None and auth is ssl.CERT_NONE:
            message = "without client_auth_type no client is verified; write RequireAndVerifyClientCert"
            self.report((*where, "client_ca_file"), message)
        if cert is None or private is None:
            return None
        return TlsConfig(cert, private, authority, auth, version)

    def users(self) -> Mapping[str, str]:
        where: Where = ("basic_auth_users",)
        users = {}
        for name, value in self.section(where).items():
            if not name or ":" in name:
                self.report((*where, name), "a user name is not empty and has no colon", at_key=True)
            if not isinstance(value, str) or _BCRYPT.fullmatch(value) is None:
                # what stands there may be the password itself: it is not repeated
                message = 'a bcrypt hash is needed, such as "htpasswd -nBC 10 NAME" prints; not the password'
                self.report((*where, name), message)
            else:
                users[name] = value
        return users

    def headers(self) -> Mapping[str, str]:
        self.section(("http_server_config",), ("headers",))
        where: Where = ("http_server_config", "headers")
        headers = {}
        for name, value in self.section(where, HEADERS).items():
            if not isinstance(value, str) or not value.isprintable() or not value.isascii():
                self.report((*where, name), "one line of ASCII text is needed")
            else:
                headers[name] = value
        return headers

    def section(self, where: Where, known: tuple[str, ...] | None = None) -> Mapping[str, object]:
        """The mapping at this place, empty where there is none; unknown keys are reported."""
        found: object = self.document.data
        for key in where:
            found = found.get(str(key)) if isinstance(found, Mapping) else None
        if found is None:
            return {}
        if not isinstance(found, Mapping):
            self.report(where, "a mapping of keys is needed")
            return {}
        for key in found:
            if known is not None and key not in known:
                self.report((*where, key), unknown_key(key, known), at_key=True)
        return {key: value for key, value in found.items() if known is None or key in known}

    def file(self, where: Where, key: str) -> Path | None:
        value = self.section(where).get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            self.report((*where, key), "the path of a file is needed")
            return None
        return self.path.parent / value

    def choice(self, where: Where, choices: Mapping[str, T], default: str) -> T:
        value = self.section(where[:-1]).get(str(where[-1]), default)
        if isinstance(value, str) and value in choices:
            return choices[value]
        self.report(where, f"one of {', '.join(choices)} is needed")
        return choices[default]

    def report(self, where: Where, message: str, *, at_key: bool = False) -> None:
        self.problems.append(self.document.problem(where, message, at_key=at_key))
