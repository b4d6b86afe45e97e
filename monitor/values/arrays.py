"""Arrow buffers as numpy arrays: without a copy where possible, and without loading pandas."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike, NDArray

MISSING_WORDS = ("", "na", "n/a", "#n/a", "<na>", "nat", "null", "none")
"""What stands in files for a missing number or time, in lower case."""


def plain(array: Any) -> Any:
    """One Array of a basic type: chunks joined, extensions and encodings other than dictionaries undone."""
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    if isinstance(array.type, pa.BaseExtensionType):
        return plain(array.storage)
    if pa.types.is_run_end_encoded(array.type):
        return plain(pc.run_end_decode(array))
    if pa.types.is_string_view(array.type):
        return array.cast(pa.large_string())
    if pa.types.is_float16(array.type):
        return array.cast(pa.float32())
    return array


def is_text(kind: pa.DataType) -> bool:
    """Whether the type holds strings."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def fixed(array: Any, dtype: DTypeLike) -> NDArray[Any]:
    """The values of an array of fixed width, read only; what stands where it is null means nothing."""
    width = np.dtype(dtype).itemsize
    if not len(array):
        return np.empty(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * width)


def booleans(array: Any) -> NDArray[np.bool_]:
    """The bits of a boolean array; what stands where it is null means nothing."""
    if not len(array):
        return np.empty(0, np.bool_)
    first, shift = divmod(array.offset, 8)
    octets = np.frombuffer(array.buffers()[1], np.uint8)[first:]
    return np.unpackbits(octets, count=shift + len(array), bitorder="little")[shift:].view(np.bool_)


def valid(array: Any) -> NDArray[np.bool_]:
    """Where the array is not null."""
    if array.null_count == 0 and not pa.types.is_union(array.type):
        return np.ones(len(array), np.bool_)
    return booleans(pc.is_valid(array))


def dictionary_codes(array: Any) -> NDArray[np.int64]:
    """The place of each row's value in the dictionary; -1 where the row is null."""
    indices = array.indices
    codes = fixed(indices, indices.type.to_pandas_dtype()).astype(np.int64)
    if indices.null_count:
        codes[~valid(indices)] = -1
    return codes


def integers(array: Any) -> NDArray[Any]:
    """The values of an integer array in its own width."""
    return fixed(array, array.type.to_pandas_dtype())


def lower_trimmed(array: Any) -> Any:
    """The texts in lower case without blanks around them."""
    return pc.utf8_lower(pc.utf8_trim_whitespace(array))


def matches(array: Any, pattern: str) -> NDArray[np.bool_]:
    """Where the text matches the regular expression (RE2); false where it is null."""
    found = pc.match_substring_regex(array, pattern)
    return booleans(found) & valid(found)


def any_true(array: Any) -> bool:
    """Whether a boolean array holds a true."""
    return bool(pc.any(array).as_py())


def is_missing_word(lowered: Any) -> NDArray[np.bool_]:
    """Where a text in lower case is one of the words for a missing value, or null."""
    words = pa.array([*MISSING_WORDS, None], lowered.type)
    return booleans(pc.is_in(lowered, value_set=words))


def selected(array: Any, mask: NDArray[np.bool_]) -> Any:
    """The rows where the mask is true."""
    return array.take(pa.array(np.flatnonzero(mask)))
