import json
import logging
import pickle

import pytest

from monitor.config import Secret, load_model, redact, source_parameters_of
from monitor.errors import ConfigError

from .conftest import SECRET, SOURCES

TEXT = """
version: 1
model: m
reference:
  source: {kind: files, path: "s3://user:${PASSWORD}@bucket/ref.parquet", secret: !file token.txt}
live:
  source: {kind: files, path: live.parquet, secret: written-out}
"""


@pytest.fixture
def config(tmp_path, load):
    (tmp_path / "token.txt").write_text("from-file\n")
    return load(TEXT, PASSWORD=SECRET)


def test_every_text_of_a_secret_is_stars():
    secret = Secret(SECRET)

    for text in (str(secret), repr(secret), f"{secret}", f"{secret:>10}", "%s" % secret, repr([secret])):  # noqa: UP031 - one more way to text
        assert SECRET not in text
        assert "***" in text
    assert secret.reveal() == SECRET


def test_a_secret_survives_pickling_and_stays_hidden():
    secret = pickle.loads(pickle.dumps(Secret(SECRET)))

    assert secret.reveal() == SECRET
    assert repr(secret) == "Secret('***')"


def test_a_configuration_shows_no_secret(config, caplog):
    caplog.set_level(logging.INFO)
    logging.getLogger("test").info("config %s", config)
    texts = (
        repr(config), str(config), config.model_dump_json(), str(config.model_dump()),
        json.dumps(config.model_dump(mode="json")), json.dumps(config.model_dump(), default=str),
        repr(pickle.loads(pickle.dumps(config))), caplog.text,
    )  # fmt: skip
    for text in texts:
        for secret in (SECRET, "from-file", "written-out"):
            assert secret not in text
        assert "s3://user:***@bucket/ref.parquet" in text


def test_the_source_gets_the_text(config):
    parameters = source_parameters_of(config.reference.source, SOURCES["files"])

    assert parameters.path == f"s3://user:{SECRET}@bucket/ref.parquet"
    assert parameters.secret == "from-file"
    assert source_parameters_of(config.live.source, SOURCES["files"]).secret == "written-out"


def test_messages_of_others_can_be_redacted(config):
    message = f"cannot open s3://user:{SECRET}@bucket with from-file and written-out"

    assert redact(message, config.secrets) == "cannot open s3://user:***@bucket with *** and ***"


def test_numbers_from_the_environment_fit_where_numbers_are_needed(load):
    config = load(
        TEXT.replace("secret: !file token.txt", 'batch_rows: "${ROWS}"'), PASSWORD="123", ROWS="500"
    )

    assert source_parameters_of(config.reference.source, SOURCES["files"]).batch_rows == 500


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: files, path: live", "kind: ${PASSWORD}, path: live"),
        ("model: m", "model: ${PASSWORD} x"),
        ("model: m", "model: m\ntask: ${PASSWORD}"),
        ("model: m", "model: m\ncolumns: {timestamp: ${PASSWORD}, id: ${PASSWORD}}"),
        ("model: m", 'model: m\nwindow: {timezone: "${PASSWORD}"}'),
        ("model: m", 'model: m\ndetectors: [{detector: "${PASSWORD}"}]'),
        ("secret: written-out", 'secret: written-out, format: "${PASSWORD}"'),
        ("secret: written-out", 'secret: written-out, batch_rows: "${PASSWORD}"'),
        ("secret: written-out", "secret: [written-out]"),
        ("secret: written-out", "secret: {a: written-out}"),
    ],
)
def test_no_message_shows_what_the_environment_holds(tmp_path, families, old, new):
    (tmp_path / "token.txt").write_text("from-file\n")
    path = tmp_path / "model.yaml"
    path.write_text(TEXT.replace(old, new))

    with pytest.raises(ConfigError) as caught:
        load_model(path, **(families | {"environment": {"PASSWORD": SECRET}}))

    for secret in (SECRET, "from-file", "written-out"):
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)
