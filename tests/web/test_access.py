import base64
import os

import bcrypt
import pytest

from monitor.errors import ConfigError
from monitor.web import access as module
from monitor.web.access import CACHED_CHECKS, Gate, Passwords


def hashed(password, cost=4):
    return bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode()


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


USERS = {"alice": hashed(b"open sesame"), "bob": hashed(b"b:o:b")}


@pytest.fixture
def checks(monkeypatch):
    """How many times bcrypt was asked."""
    asked = []
    real = bcrypt.checkpw

    def checkpw(password, known):
        asked.append(known)
        return real(password, known)

    monkeypatch.setattr(module.bcrypt, "checkpw", checkpw)
    return asked


@pytest.mark.parametrize(
    ("authorization", "allowed"),
    [
        (basic("alice", "open sesame"), True),
        (basic("alice", "open sesame").replace("Basic", "bAsIc"), True),
        (basic("bob", "b:o:b"), True),
        (basic("alice", "wrong"), False),
        (basic("alice", ""), False),
        (basic("mallory", "open sesame"), False),
        (basic("", ""), False),
        (basic("alice", "x" * 5000), False),
        (basic("alice", "nul\0byte"), False),
        ("", False),
        ("Basic", False),
        ("Basic !!!", False),
        ("Basic " + base64.b64encode(b"alice").decode(), False),
        ("Basic " + base64.b64encode(b"\xff\xfe:x").decode(), False),
        ("Bearer abc", False),
    ],
)
def test_only_the_right_password_opens(authorization, allowed):
    assert Passwords().allow(USERS, authorization) is allowed


def test_a_long_password_counts_by_its_first_72_bytes():
    users = {"carol": hashed(b"x" * 72)}
    assert Passwords().allow(users, basic("carol", "x" * 100))


def test_an_unknown_user_costs_as_much_as_a_known_one(checks):
    Passwords().allow({"alice": hashed(b"a", 5)}, basic("nobody", "a"))
    assert len(checks) == 1
    assert checks[0].startswith(b"$2b$05$")


def test_the_same_question_is_answered_from_memory(checks):
    passwords = Passwords()
    for _ in range(3):
        assert passwords.allow(USERS, basic("alice", "open sesame"))
        assert not passwords.allow(USERS, basic("alice", "wrong"))
    assert len(checks) == 2


def test_a_changed_password_is_not_remembered():
    passwords = Passwords()
    assert passwords.allow({"alice": hashed(b"old")}, basic("alice", "old"))
    assert not passwords.allow({"alice": hashed(b"new")}, basic("alice", "old"))


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(module.bcrypt, "checkpw", lambda password, known: False)
    passwords = Passwords()
    for guess in range(CACHED_CHECKS + 20):
        passwords.allow(USERS, basic("alice", str(guess)))
    assert len(passwords._wrong) == CACHED_CHECKS


def test_guesses_do_not_make_it_forget_who_is_right(checks, monkeypatch):
    passwords = Passwords()
    assert passwords.allow(USERS, basic("alice", "open sesame"))
    monkeypatch.setattr(module, "CACHED_CHECKS", 2)
    for guess in range(5):
        assert not passwords.allow(USERS, basic("alice", str(guess)))
    before = len(checks)
    assert passwords.allow(USERS, basic("alice", "open sesame"))
    assert len(checks) == before


def touch(path, text):
    """Write the file so that its version changes however coarse the clock is."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


def tls(pair):
    return f"tls_server_config: {{cert_file: {pair.certificate}, key_file: {pair.key}}}\n"


def test_without_a_file_everybody_may_enter():
    assert Gate().access().context is None
    assert not Gate().access().config.users


def test_a_changed_file_holds_from_the_next_connection(tmp_path):
    path = tmp_path / "web.yml"
    touch(path, f"basic_auth_users: {{alice: {USERS['alice']}}}\n")
    gate = Gate(path)
    assert list(gate.access().config.users) == ["alice"]
    touch(path, f"basic_auth_users: {{bob: {USERS['bob']}}}\n")
    assert list(gate.access().config.users) == ["bob"]


def test_a_file_that_became_invalid_leaves_the_last_valid_one_and_is_told_once(tmp_path, caplog):
    path = tmp_path / "web.yml"
    touch(path, f"basic_auth_users: {{alice: {USERS['alice']}}}\n")
    gate = Gate(path)
    touch(path, "basic_auth_users: {alice: plain}\n")
    for _ in range(3):
        assert list(gate.access().config.users) == ["alice"]
    assert caplog.text.count("web configuration not valid") == 1


def test_a_file_that_disappears_opens_nothing(tmp_path):
    path = tmp_path / "web.yml"
    touch(path, f"basic_auth_users: {{alice: {USERS['alice']}}}\n")
    gate = Gate(path)
    path.unlink()
    assert list(gate.access().config.users) == ["alice"]


def test_a_rotated_certificate_is_taken_up_once_its_key_fits(tmp_path, authority):
    first, second = authority.issue("first"), authority.issue("second")
    path = tmp_path / "web.yml"
    touch(path, tls(first))
    gate = Gate(path)
    before = gate.access().context
    assert gate.access().context is before
    touch(first.certificate, second.certificate.read_text(encoding="utf-8"))
    assert gate.access().context is before
    touch(first.key, second.key.read_text(encoding="utf-8"))
    assert gate.access().context is not before


def test_a_mended_certificate_that_only_the_new_file_names_is_taken_up(tmp_path, authority):
    first, second = authority.issue("first"), authority.issue("second")
    key = second.key.read_text(encoding="utf-8")
    path = tmp_path / "web.yml"
    touch(path, tls(first))
    gate = Gate(path)
    before = gate.access().context
    touch(second.key, "not a key")
    touch(path, tls(second))
    assert gate.access().context is before
    touch(second.key, key)
    assert gate.access().context is not before


@pytest.mark.parametrize("broken", ["absent", "not a certificate"])
def test_a_certificate_that_cannot_be_used_is_told_at_the_start(tmp_path, broken):
    if broken != "absent":
        (tmp_path / "a").write_text(broken, encoding="utf-8")
    path = tmp_path / "web.yml"
    touch(path, "tls_server_config: {cert_file: a, key_file: a}\n")
    with pytest.raises(ConfigError, match=r"tls_server_config: .*a and .*a cannot be used: "):
        Gate(path)
