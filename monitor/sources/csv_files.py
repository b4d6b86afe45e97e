"""CSV: every column as text, so that no type changes within a file; an empty field is missing."""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc

from monitor.sources.reading import EncodingError, Reading, UnfinishedError, sliced
from monitor.types import Reason

BLOCK_BYTES = 8 << 20
LOOK_BYTES = 1 << 20
"""So much is read to learn the header."""
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(slots=True)
class _BadRows:
    """Rows with another number of fields than the header."""

    count: int = 0
    first: Any = None
    last: str = ""

    def skip(self, row: Any) -> str:
        """Leave the row out and remember it."""
        self.count += 1
        self.first = self.first or row
        self.last = row.text
        return "skip"


@dataclass(slots=True)
class _BadTexts:
    """Values of one column that are not UTF-8."""

    count: int = 0
    row: int = 0


@dataclass(slots=True)
class _State:
    """What was found in one file so far."""

    rows: _BadRows = field(default_factory=_BadRows)
    texts: dict[str, _BadTexts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """Reads CSV with this delimiter and encoding."""

    delimiter: str = ","
    encoding: str = "utf-8"
    learns_times: bool = True

    def schema(self, reading: Reading) -> pa.Schema:
        """The types as the first block shows them."""
        with reading.open() as file, self._reader(file, LOOK_BYTES, _BadRows().skip) as reader:
            return _named(reader)

    def scan(self, reading: Reading) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Rows as text; rows with too few or too many fields are left out and told."""
        with reading.open() as file:
            if file.read(2) in _MARKS and self.encoding == "utf-8":
                what = "UTF-16"
                raise EncodingError(what)
        header = self.schema(reading).names
        wanted = [name for name in header if name in reading.columns]
        reading.present = frozenset(wanted)
        state = _State()
        convert = pc.ConvertOptions(
            check_utf8=False,  # each column is checked by itself
            column_types=dict.fromkeys(header, pa.string()),
            include_columns=wanted or header[:1],
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        with reading.open() as file, self._reader(file, BLOCK_BYTES, state.rows.skip, convert) as reader:
            for batch in reader:
                checked = _checked(batch, reading.rows, state.texts).select(wanted)
                yield from sliced(checked, reading.rows)
                reading.rows += batch.num_rows
        self._tell(reading, state)

    def _reader(
        self, file: Any, block: int, skip: Callable[[Any], str], convert: pc.ConvertOptions | None = None
    ) -> Any:
        """One thread: with more, a bad row does not know its number."""
        return pc.open_csv(
            file,
            pc.ReadOptions(use_threads=False, block_size=block, encoding=self.encoding),
            pc.ParseOptions(delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=skip),
            convert,
        )

    def _tell(self, reading: Reading, state: _State) -> None:
        bad = state.rows
        if bad.count and reading.young and _ends_with(reading, bad.last):
            raise UnfinishedError
        if bad.count:
            text = (
                f"{bad.count} rows have another number of fields than the header and are left out, "
                f"the first is row {bad.first.number} with {bad.first.actual_columns} fields "
                f"in place of {bad.first.expected_columns}; "
                f"quote fields that hold the delimiter {self.delimiter!r}"
            )
            reading.say("", Reason.BAD_ROWS, text)
        for column, found in state.texts.items():
            text = (
                f"{found.count} values of {column!r} are not UTF-8 and count as missing, "
                f"the first in data row {found.row + 1}; "
                f"write the file as UTF-8, or give the source its `encoding`"
            )
            reading.say(column, Reason.BAD_ENCODING, text)


def _named(reader: Any) -> pa.Schema:
    """The schema, if the header is text."""
    try:
        _ = reader.schema.names
    except UnicodeDecodeError as error:
        what = "another encoding"
        raise EncodingError(what) from error
    return reader.schema


def _ends_with(reading: Reading, text: str) -> bool:
    """Whether the file ends in this text without a line's end."""
    with reading.open() as file:
        if not file.seekable():
            return False
        end = text.encode()
        file.seek(max(0, file.size() - len(end)))
        return bool(end) and bool(file.read() == end)


def _checked(batch: pa.RecordBatch, offset: int, found: dict[str, _BadTexts]) -> pa.RecordBatch:
    """The batch with null where a text is not UTF-8."""
    for at, name in enumerate(batch.schema.names):
        column = batch.column(at)
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            batch = batch.set_column(at, name, _mended(column, offset, found.setdefault(name, _BadTexts())))
    return batch


def _mended(column: Any, offset: int, bad: _BadTexts) -> Any:
    texts: list[str | None] = []
    for row, value in enumerate(column.cast(pa.binary()).to_pylist()):
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            texts.append(None)
            if not bad.count:
                bad.row = offset + row
            bad.count += 1
    return pa.array(texts, pa.string())
