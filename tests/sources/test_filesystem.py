"""Files behind URLs: a local S3 server, memory, and what is said where nothing answers."""

import functools
import importlib
import socket
import sys
import threading
from datetime import timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import boto3
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from monitor.errors import SourceError
from monitor.sources.base import Interval
from monitor.sources.files import FilesSource
from monitor.sources.parameters import FilesParameters
from monitor.types import Reason

from .conftest import START, hourly, reasons, values

KEYS = {"key": "testing-key", "secret": "testing-secret"}


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server):
    client = boto3.client(
        "s3",
        endpoint_url=s3_server,
        region_name="us-east-1",
        aws_access_key_id=KEYS["key"],
        aws_secret_access_key=KEYS["secret"],
    )
    client.create_bucket(Bucket="live")
    yield lambda name, body: client.put_object(Bucket="live", Key=name, Body=body)
    for found in client.list_objects_v2(Bucket="live").get("Contents", ()):
        client.delete_object(Bucket="live", Key=found["Key"])
    client.delete_bucket(Bucket="live")
    client.close()


def remote(clock, path, **options):
    return FilesSource(FilesParameters(path=path, options=options), clock=clock)


@pytest.fixture
def s3(s3_server, clock):
    return lambda path: remote(clock, path, endpoint_url=s3_server, **KEYS)


def parquet(table, **options):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def test_s3(bucket, s3):
    bucket("day/a.parquet", parquet(pa.table({"x": ["1", "2"]})))
    bucket("day/deep/b.csv", b"x\n3\n")
    bucket("day/deep/c.jsonl", b'{"x": "4"}\n')
    bucket("day/_SUCCESS", b"")
    bucket("other/d.csv", b"x\n5\n")
    source = s3("s3://live/day/**")
    assert [entry.name for entry in source.files()] == ["a.parquet", "deep/b.csv", "deep/c.jsonl"]
    assert values(source) == ["1", "2", "3", "4"]
    assert source.problems() == ()
    assert values(s3("s3://live/day/a.parquet")) == ["1", "2"]
    assert values(s3("s3://live/other")) == ["5"]
    assert s3("s3://live/day/*.parquet").schema() == pa.schema([("x", pa.string())])


def test_s3_versions_follow_the_content(bucket, s3):
    bucket("a.csv", b"x\n1\n")
    source = s3("s3://live/*.csv")
    (before,), first = source.files(), source.fingerprint()
    bucket("a.csv", b"x\n2\n")
    (after,) = source.files()
    assert before.version != after.version
    assert source.fingerprint() != first
    assert values(source) == ["2"]


def test_s3_row_groups_are_left_out(bucket, s3):
    bucket("a.parquet", parquet(hourly(100), row_group_size=10))
    wanted = Interval("ts", "UTC", START + timedelta(hours=30), START + timedelta(hours=40))
    assert values(s3("s3://live/a.parquet"), interval=wanted) == list(range(30, 40))


def test_s3_faults_stay_with_their_file(bucket, s3):
    bucket("a.parquet", b"PAR1 broken")
    bucket("b.csv", b"x\n1\n")
    source = s3("s3://live/*")
    assert values(source) == ["1"]
    assert set(reasons(source)) <= {Reason.FILE_UNREADABLE, Reason.FILE_INCOMPLETE}
    assert len(source.problems()) == 1


def test_s3_nothing_matches(bucket, s3):
    source = s3("s3://live/nowhere/*.csv")
    assert values(source) == []
    assert reasons(source) == [Reason.NO_FILES]


def test_a_server_that_does_not_answer_may_do_so_later(clock):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    source = remote(
        clock,
        "s3://live/*.csv",
        endpoint_url=f"http://127.0.0.1:{port}",
        config_kwargs={"retries": {"max_attempts": 0}},
        **KEYS,
    )
    with pytest.raises(SourceError, match=r"s3://live/\*\.csv cannot be listed") as raised:
        source.files()
    assert raised.value.transient
    assert KEYS["secret"] not in str(raised.value)


def test_a_missing_package_names_the_extra(clock, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    loaded = importlib.import_module("fsspec.registry")._registry
    monkeypatch.delitem(loaded, "s3", raising=False)
    with pytest.raises(SourceError, match=r'pip install "driftd\[s3\]"') as raised:
        remote(clock, "s3://live/*.csv").files()
    assert not raised.value.transient


def test_an_unknown_scheme_is_refused(clock):
    with pytest.raises(SourceError, match="carrier-pigeon:// cannot be opened"):
        remote(clock, "carrier-pigeon://live/*.csv").files()


def test_any_other_filesystem_of_fsspec(clock):
    memory = fsspec.filesystem("memory")
    memory.pipe("/live/a.csv", b"x\n1\n")
    memory.pipe("/live/b.parquet", parquet(pa.table({"x": ["2"]})))
    source = remote(clock, "memory://live/*")
    assert values(source) == ["1", "2"]
    assert source.problems() == ()
    memory.rm("/live", recursive=True)


@pytest.fixture
def http_server(tmp_path):
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def test_http(folder, http_server, clock):
    folder.write("live/a.csv", "x\n1\n")
    folder.write("live/b.parquet", {"x": ["2"]})
    folder.write("live/c.txt", "hello")
    assert values(remote(clock, f"{http_server}/live/a.csv")) == ["1"]
    source = remote(clock, f"{http_server}/live/*.parquet")
    assert [entry.name for entry in source.files()] == ["b.parquet"]
    assert values(source) == ["2"]
    assert source.problems() == ()
    nowhere = remote(clock, f"{http_server}/nowhere.csv")
    assert values(nowhere) == []
    assert reasons(nowhere) == [Reason.NO_FILES]
