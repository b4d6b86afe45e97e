import ssl
import subprocess

import pytest

from monitor.errors import ConfigError
from monitor.web.web_config import WebConfig, load_web_config

HASH = "$2b$04$abcdefghijklmnopqrstuuMQOBYt1PJ3TZf8gZqz5TxI5cuDEjwwS"

TLS = "tls_server_config: {cert_file: a, key_file: b"
FULL = f"""\
tls_server_config:
  cert_file: server.pem
  key_file: keys/server.key
  client_ca_file: authority.pem
  client_auth_type: RequireAndVerifyClientCert
  min_version: TLS13
basic_auth_users:
  prometheus: {HASH}
http_server_config:
  headers:
    X-Frame-Options: deny
"""


def read(folder, text):
    path = folder / "web.yml"
    path.write_text(text, encoding="utf-8")
    return load_web_config(path)


def problems(folder, text):
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return [str(each).removeprefix(f"{folder}/") for each in caught.value.problems]


def test_everything_that_is_served(tmp_path):
    config = read(tmp_path, FULL)
    assert config.tls.cert_file == tmp_path / "server.pem"
    assert config.tls.key_file == tmp_path / "keys" / "server.key"
    assert config.tls.client_auth is ssl.CERT_REQUIRED
    assert config.tls.min_version is ssl.TLSVersion.TLSv1_3
    assert config.users == {"prometheus": HASH}
    assert config.headers == {"X-Frame-Options": "deny"}
    assert config.authenticated


def test_the_defaults_are_tls_1_2_and_no_client_certificate(tmp_path):
    config = read(tmp_path, "tls_server_config: {cert_file: a, key_file: b}\n")
    assert config.tls.min_version is ssl.TLSVersion.TLSv1_2
    assert config.tls.client_auth is ssl.CERT_NONE
    assert not config.authenticated


def test_a_given_certificate_alone_is_no_authentication(tmp_path):
    text = f"{TLS}, client_ca_file: c, client_auth_type: VerifyClientCertIfGiven}}"
    assert not read(tmp_path, text).authenticated


def test_an_empty_section_is_the_default(tmp_path):
    assert read(tmp_path, "basic_auth_users:\n") == WebConfig()


TLS_KEYS = "cert_file, client_auth_type, client_ca_file, key_file, min_version"
POLICIES = "Content-Security-Policy, Strict-Transport-Security"
HEADERS = f"{POLICIES}, X-Content-Type-Options, X-Frame-Options, X-XSS-Protection"
BAD = {
    "tls_config: {}": "1:1: tls_config: unknown key; did you mean tls_server_config?",
    f"{TLS}, ciphers: []}}": f"1:48: tls_server_config.ciphers: unknown key; known: {TLS_KEYS}",
    "tls_server_config: {cert_file: a}": "1:20: tls_server_config.key_file: the key is required and missing",
    "tls_server_config: [a]": "1:20: tls_server_config: a mapping of keys is needed",
    "tls_server_config: {cert_file: 1}": "1:32: tls_server_config.cert_file: the path of a file is needed",
    f"{TLS}, min_version: TLS10}}": "1:61: tls_server_config.min_version: one of TLS12, TLS13 is needed",
    f"{TLS}, client_auth_type: RequireAndVerifyClientCert}}": (
        "1:66: tls_server_config.client_auth_type: client_ca_file is needed to verify clients"
    ),
    f"{TLS}, client_ca_file: c}}": (
        "1:64: tls_server_config.client_ca_file: without client_auth_type no client is verified; "
        "write RequireAndVerifyClientCert"
    ),
    "basic_auth_users: {a:b: x}": "1:20: basic_auth_users.a:b: a user name is not empty and has no colon",
    "http_server_config: {http2: true}": "1:22: http_server_config.http2: unknown key; known: headers",
    "http_server_config: {headers: {Set-Cookie: a}}": (
        f"1:32: http_server_config.headers.Set-Cookie: unknown key; known: {HEADERS}"
    ),
    'http_server_config: {headers: {X-Frame-Options: "a\\r\\nb"}}': (
        "1:49: http_server_config.headers.X-Frame-Options: one line of ASCII text is needed"
    ),
}


@pytest.mark.parametrize(("text", "expected"), BAD.items())
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, expected):
    assert f"web.yml:{expected}" in problems(tmp_path, text)


def test_a_password_in_place_of_its_hash_is_not_repeated(tmp_path):
    (told,) = problems(tmp_path, "basic_auth_users: {alice: hunter2}\n")
    assert told.startswith("web.yml:1:27: basic_auth_users.alice: a bcrypt hash is needed")
    assert "hunter2" not in told


def test_all_problems_at_once_in_the_order_of_the_file(tmp_path):
    text = "nonsense: 1\nbasic_auth_users: {a: b}\nhttp_server_config: {headers: 7}\n"
    assert [each.split(":")[1] for each in problems(tmp_path, text)] == ["1", "2", "3"]


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"web\.yml:0:0: cannot be read: no such file or directory"):
        load_web_config(tmp_path / "web.yml")


def test_promtool_agrees(tmp_path, promtool, authority):
    authority.issue("server")
    path = tmp_path / "web.yml"
    path.write_text(FULL.replace("keys/", ""), encoding="utf-8")
    load_web_config(path)
    checked = subprocess.run(
        [promtool, "check", "web-config", path], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
