import json
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_records import commit, evaluation, pending, same_pending, state, window

from monitor.lines import line
from monitor.state import FileRecord, ModelState, PendingWindow, Reading, StreamState
from monitor.store.codec import (
    MAGIC,
    decode_evaluation,
    decode_pending,
    decode_state,
    encode_evaluation,
    encode_pending,
    encode_state,
    form,
)
from monitor.types import AlarmState, Decision, Evaluation, Kind, StreamSummary, Window

times = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants bounds without zone
numbers = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(st.characters(codec="utf-8"), max_size=8)
naturals = st.integers(0, 2**53)
maybe_times = st.none() | times
windows = st.builds(Window, times, times) | st.builds(Window, st.none(), st.none(), words)

for kind, strategy in {float: numbers, datetime: times, str: words, int: naturals, Window: windows}.items():
    st.register_type_strategy(kind, strategy)


def arrays(dtype, shape):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return st.binary(min_size=size, max_size=size).map(lambda raw: np.frombuffer(raw, dtype).reshape(shape))


@st.composite
def pending_windows(draw):
    rows, classes = draw(st.integers(0, 20)), draw(st.integers(0, 3))
    kept, width = draw(st.integers(0, rows)), draw(st.integers(0, 3))
    return PendingWindow(
        draw(windows),
        draw(naturals),
        draw(arrays("uint64", (rows,))),
        draw(arrays("int64", (rows,))),
        draw(arrays("float64", (rows,))),
        draw(arrays("float32", (rows, classes))),
        draw(arrays("float64", (rows,))),
        draw(arrays("int64", (rows,))),
        draw(naturals),
        draw(naturals),
        draw(st.dictionaries(st.sampled_from(Kind), st.from_type(Decision), max_size=2)),
        draw(st.dictionaries(st.sampled_from(Kind), st.from_type(Reading), max_size=2)),
        draw(st.frozensets(words, max_size=2)),
        sampled=draw(arrays("int64", (kept,))),
        features=draw(arrays("float16", (kept, width))),
        moved=draw(st.booleans()),
    )


BEFORE_PROMISES = (
    '{"model": "flights", "window": {"start": "2024-02-10T00:00:00Z", "end": "2024-02-11T00:00:00Z",'
    ' "file": null}, "rows": 720, "labelled_rows": 700, "restated": false, "final": false, "seconds": 0.12,'
    ' "verdicts": [], "statistics": [], "performance": [{"metric": "accuracy", "source": "realised",'
    ' "value": 0.79, "lower": 0.76, "upper": 0.82, "reference": 0.81, "reason": null}], "label_shift": null,'
    ' "problems": [], "norms": [{"kind": "covariate", "l0": 1.0, "l1": 2.5, "l2": 1.8, "linf": 1.5}],'
    ' "class_shares": {"reference": {"0": 0.8, "1": 0.2}}, "stream": {"width": 1200, "error_rate": 0.21},'
    ' "versions": {"v7": 720}, "label_arrival": null, "estimates": {}, "change": null,'
    ' "tick": "2024-02-11T01:00:00Z"}'
)
"""A line as it was written before evaluations had promises."""


def _without_readings(blob):
    """The bytes as they were written before pending windows had readings."""
    head = struct.Struct("<BI")
    content = zlib.decompress(blob[len(MAGIC) :])
    version, length = head.unpack_from(content)
    header = json.loads(content[head.size : head.size + length])
    del header["fields"]["readings"]
    text = json.dumps(header).encode()
    return MAGIC + zlib.compress(head.pack(version, len(text)) + text + content[head.size + length :])


class TestEvaluation:
    @settings(max_examples=50)
    @given(st.from_type(Evaluation))
    def test_a_line_tells_the_whole_evaluation(self, record):
        assert decode_evaluation(line(record)) == record

    def test_what_has_own_tables_is_left_out(self):
        back = decode_evaluation(encode_evaluation(evaluation()))
        assert back == replace(evaluation(), verdicts=(), statistics=())

    def test_a_line_from_before_alarms_were_calibrated_promises_nothing(self):
        old = decode_evaluation(BEFORE_PROMISES)
        assert old.promises == ()
        assert (old.rows, old.stream, old.versions) == (720, StreamSummary(1200, 0.21), {"v7": 720})
        assert decode_evaluation(line(old)) == old

    def test_a_promise_without_its_kind_or_budget_is_refused(self):
        content = {**json.loads(line(evaluation())), "promises": [{"provisional": True}]}
        with pytest.raises(ValueError, match=r"Promise: unknown \[\], lacking \['budget_per_30d', 'kind'\]"):
            decode_evaluation(json.dumps(content))

    def test_a_key_that_is_not_known_is_refused(self):
        content = {**json.loads(line(evaluation())), "colour": "red"}
        with pytest.raises(ValueError, match=r"Evaluation: unknown \['colour'\], lacking \[\]"):
            decode_evaluation(json.dumps(content))

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("rows", "720", "'720' is not int"),
            ("rows", True, "True is not int"),
            ("final", 1, "1 is not bool"),
            ("seconds", "0.1", "'0.1' is not float or int"),
            ("problems", {}, "{} is not list"),
            ("window", [], "Window is an object"),
            ("tick", "2024-02-10T00:00:00", "has no zone"),
            ("norms", [{"kind": "weather"}], "'weather' is not a valid Kind|lacking"),
        ],
    )
    def test_a_value_of_another_type_is_refused(self, key, value, message):
        content = {**json.loads(line(evaluation())), key: value}
        with pytest.raises(ValueError, match=message):
            decode_evaluation(json.dumps(content))

    def test_nan_is_no_json(self):
        text = line(evaluation()).replace('"seconds": 0.12', '"seconds": NaN')
        with pytest.raises(ValueError, match="NaN is not JSON"):
            decode_evaluation(text)


class TestState:
    @settings(max_examples=50)
    @given(
        st.builds(
            ModelState,
            files=st.just({}),
            streams=st.just({}),
            pending=st.just(()),
            alarms=st.dictionaries(st.sampled_from(Kind), st.from_type(AlarmState), max_size=3),
            memories=st.dictionaries(st.sampled_from(Kind), st.binary(max_size=20), max_size=3),
            origin=maybe_times,
            watermark=maybe_times,
        )
    )
    def test_round_trip(self, record):
        assert decode_state(encode_state(record)) == (record, ())

    def test_parts_with_own_tables_are_left_out_and_pending_windows_named(self):
        bare, keys = decode_state(encode_state(commit(windows=[pending(1), pending(0)]).state))
        assert bare == replace(state(), files={}, streams={}, pending=())
        assert keys == (window(1).key, window(0).key)

    def test_memories_are_kept_to_the_byte(self):
        every = bytes(range(256))
        record = replace(state(), files={}, streams={}, memories={Kind.COVARIATE: every, Kind.LABEL: b""})
        assert decode_state(encode_state(record)) == (record, ())

    def test_a_state_from_before_alarms_were_calibrated_remembers_nothing_of_them(self):
        content = json.loads(encode_state(state()))
        del content["state"]["memories"]
        assert decode_state(json.dumps(content))[0] == replace(state(), files={}, streams={}, memories={})

    def test_another_form_is_refused(self):
        text = encode_state(state()).replace('"version": 1', '"version": 2')
        with pytest.raises(ValueError, match="written in form 2, this driftd reads form 1"):
            decode_state(text)

    def test_a_field_with_a_default_may_lack_and_one_without_may_not(self):
        content = json.loads(encode_state(state()))
        del content["state"]["said"]
        assert decode_state(json.dumps(content))[0].said == frozenset()
        del content["state"]["model"]
        with pytest.raises(ValueError, match=r"lacking \['model'\]"):
            decode_state(json.dumps(content))


class TestPending:
    @settings(max_examples=50)
    @given(pending_windows())
    def test_round_trip_to_the_bit(self, record):
        assert same_pending(decode_pending(encode_pending(record)), record)

    def test_readings_are_kept_to_the_last_digit(self):
        reading = Reading((0.1 + 0.2, 0.0), (1e300, -1e-300, 2.0**-1074, 1 / 3), {"größe": "0.2 to 0.3"})
        back = decode_pending(encode_pending(replace(pending(), readings={Kind.LABEL: reading})))
        assert back.readings == {Kind.LABEL: reading}
        assert {type(number) for number in (*back.readings[Kind.LABEL].rows, *reading.values)} == {float}

    def test_a_reading_that_is_not_finite_is_refused(self):
        bad = replace(pending(), readings={Kind.LABEL: Reading((1.0,), (float("nan"),))})
        with pytest.raises(ValueError, match="nan is not a finite number"):
            encode_pending(bad)

    def test_a_window_from_before_alarms_were_calibrated_has_no_readings(self):
        old = replace(pending(), readings={})
        assert same_pending(decode_pending(_without_readings(encode_pending(old))), old)

    def test_arrays_of_another_byte_order_or_stride(self):
        record = pending(rows=6)
        odd = replace(
            record,
            ids=record.ids.astype(">u8"),
            times=np.repeat(record.times, 2)[::2],
            scores=np.asfortranarray(record.scores),
        )
        assert same_pending(decode_pending(encode_pending(odd)), record)

    def test_what_was_read_can_be_filled_in(self):
        read = decode_pending(encode_pending(pending()))
        read.labels[0] = 0.0
        assert read.labels[0] == 0.0

    def test_empty(self):
        record = pending(rows=0)
        assert same_pending(decode_pending(encode_pending(record)), record)

    def test_foreign_bytes_are_refused(self):
        with pytest.raises(ValueError, match="no pending window"):
            decode_pending(b"\x80\x04pickle")

    @pytest.mark.parametrize("cut", [len(MAGIC), len(MAGIC) + 3, -1])
    def test_cut_bytes_are_refused(self, cut):
        with pytest.raises(ValueError, match="damaged"):
            decode_pending(encode_pending(pending())[:cut])

    def test_a_flipped_bit_is_noticed(self):
        blob = bytearray(encode_pending(pending(rows=100)))
        blob[-20] ^= 1
        with pytest.raises(ValueError, match="damaged"):
            decode_pending(bytes(blob))


@settings(max_examples=50)
@given(st.from_type(FileRecord), st.from_type(StreamState))
def test_any_record_has_a_form(file, stream):
    for record in (file, stream):
        one = form(type(record))
        assert one.read(json.loads(json.dumps(one.write(record), allow_nan=False))) == record


def test_a_number_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="nan is not a finite number"):
        form(Decision).write(Decision(Kind.LABEL, True, score=float("nan")))


def test_a_type_without_a_form_is_refused():
    with pytest.raises(TypeError, match="has no form in JSON"):
        form(complex)
