import subprocess
import sys
import uuid
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.values import categorical, identity_hash


def hashes(array):
    found, known = identity_hash(array)
    assert found.dtype == np.uint64
    return [int(value) if there else None for value, there in zip(found, known, strict=True)]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([7, None, -2], pa.int32()),
        pa.array([7.0, None, -2.0]),
        pa.array([7.0, float("nan"), -2.0], pa.float32()),
        pa.array(["7", None, "-2"]),
        pa.array(["7.0", None, "-2"], pa.large_string()),
        pa.array(["7", None, "-2"]).dictionary_encode(),
        pa.array([Decimal("7.00"), None, Decimal(-2)]),
        pa.chunked_array([["7"], [None, "-2.0"]]),
    ],
    ids=lambda array: str(array.type),
)
def test_one_id_has_one_hash_in_every_type(array):
    assert hashes(array) == hashes(pa.array([7, None, -2]))


def test_hashes_never_change():
    """These numbers stand in stores: another version must give the same."""
    assert hashes(pa.array([0, 1, -1])) == [16294208416658607535, 10451216379200822465, 16490336266968443936]
    assert hashes(pa.array(["", "a", "flight-2024-01-01-UA-1545"])) == HASHES_OF_TEXTS


HASHES_OF_TEXTS = [13441156890354882375, 9282361060564256526, 14154237199920284002]


def test_large_integers_are_equal_in_every_type():
    long, unsigned = 1_234_567_890_123_456_789, 2**64 - 1
    assert hashes(pa.array([str(long)])) == hashes(pa.array([long]))
    assert hashes(pa.array([str(unsigned)])) == hashes(pa.array([unsigned], pa.uint64()))
    assert len(set(hashes(pa.array([str(10**19 * 9), str(10**19), "9" * 30])))) == 3


def test_texts_that_differ_have_different_hashes():
    texts = [
        "7",
        "07",
        "7 ",
        "",
        "\0",
        "\0\0",
        "a",
        "A",
        "a\0",
        "abcdefgh",
        "abcdefghi",
        "12345678a",
        "true",
        "é",
    ]
    assert len(set(hashes(pa.array(texts)))) == len(texts)


def test_booleans_and_fractions_follow_the_rule_of_categories():
    assert hashes(pa.array([True])) == hashes(pa.array(["True"]))
    assert hashes(pa.array([1.5, 2.0, None])) == hashes(pa.array(["1.5", "2", None]))


def test_a_million_ids_without_a_collision():
    generator = np.random.default_rng(0)
    texts = pa.array(np.arange(300_000)).cast(pa.string())
    keyed = pa.compute.binary_join_element_wise("order-", texts, "")
    assert len(np.unique(identity_hash(keyed)[0])) == 300_000
    assert len(np.unique(identity_hash(pa.array(generator.permutation(300_000)))[0])) == 300_000


def test_bits_of_hashes_are_even():
    bits = np.unpackbits(identity_hash(pa.array(np.arange(20_000)))[0].view(np.uint8).reshape(-1, 8), axis=1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.02


def test_another_process_gives_the_same():
    text = str(uuid.UUID(int=5))
    code = (
        "import pyarrow as pa; from monitor.values import identity_hash;"
        f"print(int(identity_hash(pa.array([{text!r}]))[0][0]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [int(done.stdout)] == hashes(pa.array([text]))


def test_nothing_there():
    assert hashes(pa.array([], pa.string())) == []
    assert hashes(pa.array([None, None])) == [None, None]
    assert hashes(pa.array([None, None], pa.string())) == [None, None]


@given(st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=30), st.integers(0, 20))
def test_slices_hash_as_the_whole(items, offset):
    whole = pa.array(items, pa.string())
    assert hashes(whole.slice(offset)) == hashes(whole)[offset:]
    assert hashes(whole.dictionary_encode().slice(offset)) == hashes(whole)[offset:]


@given(
    st.lists(
        st.one_of(st.integers(-99, 99).map(str), st.text("01.-aTrue", max_size=5)), min_size=2, max_size=8
    )
)
def test_hashes_are_equal_exactly_where_categories_are(items):
    array = pa.array(items)
    codes, found = categorical(array).codes, identity_hash(array)[0]
    assert ((codes[:, None] == codes) == (found[:, None] == found)).all()
