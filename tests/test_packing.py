import io
import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from monitor.errors import StoreError
from monitor.packing import pack, unpack

KINDS = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(),
    npst.unsigned_integer_dtypes(),
    npst.floating_dtypes(sizes=(16, 32, 64)),
)
ARRAYS = st.dictionaries(
    st.text(max_size=5),
    KINDS.flatmap(lambda kind: npst.arrays(kind, npst.array_shapes(min_dims=0, min_side=0))),
    max_size=4,
)


@given(arrays=ARRAYS)
def test_arrays_come_back_to_the_bit_and_may_be_written_to(arrays):
    header, found = unpack("thing", 3, pack("thing", 3, {"a": [1, None, "é"]}, arrays))
    assert header == {"a": [1, None, "é"]}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()
        assert found[name].flags.writeable


def test_texts_and_transposed_arrays_come_back():
    given = {"words": np.array(["a", "bcd"]), "turned": np.arange(6).reshape(2, 3).T}
    _, found = unpack("thing", 1, pack("thing", 1, {}, given))
    for name, array in given.items():
        assert np.array_equal(found[name], array)


def test_what_the_first_stores_hold_is_read():
    buffer = io.BytesIO()
    header = np.frombuffer(json.dumps({"rows": 2}).encode(), np.uint8)
    np.savez(buffer, header=header, array_x=np.arange(3))
    found, arrays = unpack("thing", 1, b"driftd thing 1\n" + zlib.compress(buffer.getvalue()))
    assert found == {"rows": 2}
    assert arrays["x"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no header",
        b'{"header": {}}\n',
        b'{"header": {}, "arrays": [["x", "<f8", [2]]]}\n12345678',
        b'{"header": {}, "arrays": [["x", "<f8", [1]]]}\n12345678more',
        b'{"header": {}, "arrays": [["x", "|O", [1]]]}\n12345678',
        b'{"header": {}, "arrays": [["x", "<f8", [-1]]]}\n12345678',
        b"PK no archive",
    ],
)
def test_damaged_bytes_are_told(content):
    with pytest.raises(StoreError, match=r"^this thing is damaged: "):
        unpack("thing", 1, b"driftd thing 1\n" + zlib.compress(content))


def test_bytes_of_something_else_or_of_a_newer_driftd_are_told():
    with pytest.raises(StoreError, match=r"^these bytes are no other of driftd$"):
        unpack("other", 1, pack("thing", 1, {}, {}))
    with pytest.raises(StoreError, match=r"written by a newer driftd \(format 2, this one reads up to 1\)"):
        unpack("thing", 1, pack("thing", 2, {}, {}))
