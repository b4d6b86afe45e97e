"""JSON Lines: one object per line, block by block; a block of mixed types is read line by line."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.json as pj

from monitor.sources.reading import Reading, UnfinishedError, sliced
from monitor.types import Reason

BLOCK_BYTES = 8 << 20


@dataclass(slots=True)
class _State:
    """Where the reader is in one file, and what it found.

    `columns`: those seen so far. `texts`: those that only look like times to the parser.
    """

    columns: dict[str, None] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    line: int = 0
    bad: int = 0
    first_bad: int = 0
    undecodable: int = 0
    first_undecodable: int = 0


class JsonFormat:
    """Reads JSON Lines."""

    learns_times = True

    def schema(self, reading: Reading) -> pa.Schema:
        """The types as the first block shows them."""
        state = _State()
        return next((_table(block, state).schema for block in _blocks(reading)), pa.schema([]))

    def scan(self, reading: Reading) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Batches whose types may differ from block to block; a column that is gone for a block is null."""
        state = _State()
        for block in _blocks(reading):
            table = _table(block, state)
            wanted = [name for name in state.columns if name in reading.columns]
            reading.present = frozenset(wanted)
            arrays = [_column(table, name) for name in wanted]
            whole = table.select([]) if not wanted else pa.table(arrays, wanted)
            for batch in whole.combine_chunks().to_batches():
                yield from sliced(batch, reading.rows)
                reading.rows += batch.num_rows
        _tell(reading, state)


def _column(table: pa.Table, name: str) -> Any:
    return table.column(name) if name in table.schema.names else pa.nulls(table.num_rows)


def _blocks(reading: Reading) -> Iterator[bytes]:
    """Whole lines, about `BLOCK_BYTES` at a time."""
    rest = b""
    with reading.open() as file:
        while chunk := file.read(BLOCK_BYTES):
            if not rest and not reading.rows and chunk.lstrip().startswith(b"["):
                message = "it is a JSON array, not JSON Lines: write one object per line"
                raise ValueError(message)
            lines, end, rest = (rest + chunk).rpartition(b"\n")
            if end:
                yield lines + end
    if rest.strip():
        if reading.young and not _is_json(rest):
            raise UnfinishedError
        yield rest


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _table(block: bytes, state: _State) -> pa.Table:
    """The block's rows; counts its lines."""
    try:
        block.decode()
        table = _parsed(block, state)
    except (UnicodeDecodeError, pa.ArrowInvalid):
        table = _line_by_line(block.split(b"\n"), state)
    state.line += block.count(b"\n")
    state.columns |= dict.fromkeys(table.schema.names)
    return table


def _parsed(block: bytes, state: _State) -> pa.Table:
    """By Arrow; texts that look like times stay texts."""
    options = pj.ReadOptions(block_size=len(block) + 1)
    for _ in range(2):
        schema = pa.schema([(name, pa.string()) for name in state.texts])
        parse = pj.ParseOptions(explicit_schema=schema)
        table = pj.read_json(pa.BufferReader(block), options, parse)
        times = {column.name for column in table.schema if pa.types.is_timestamp(column.type)}
        if not times:
            break
        state.texts |= times
    return table


def _line_by_line(lines: Sequence[bytes], state: _State) -> pa.Table:
    rows = list(_objects(lines, state))
    names = dict.fromkeys(name for row in rows for name in row)
    if not names:  # Arrow tables without columns have no rows
        return pa.table({})
    return pa.table({name: _array([row.get(name) for row in rows]) for name in names})


def _objects(lines: Iterable[bytes], state: _State) -> Iterator[dict[str, Any]]:
    """The objects; lines that are none are counted."""
    for number, line in enumerate(lines, state.line + 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode())
        except UnicodeDecodeError:
            state.undecodable += 1
            state.first_undecodable = state.first_undecodable or number
            continue
        except ValueError:
            row = None
        if isinstance(row, dict):
            yield row
            continue
        if not state.bad:
            state.first_bad = number
        state.bad += 1


def _array(values: Sequence[Any]) -> Any:
    """An array of the one type that the values have, else of their texts."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1 or kinds == {int, float}:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            pass  # integers beyond 64 bits, or nested values of several types
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _tell(reading: Reading, state: _State) -> None:
    if state.bad and not reading.rows:
        message = f"it is not JSON Lines, line {state.first_bad} is no object: write one object per line"
        raise ValueError(message)
    if state.bad:
        text = (
            f"{state.bad} lines are no JSON objects and are left out, the first is line "
            f"{state.first_bad}; write one object per line"
        )
        reading.say("", Reason.BAD_ROWS, text)
    if state.undecodable:
        text = (
            f"{state.undecodable} lines are not UTF-8 and are left out, the first is line "
            f"{state.first_undecodable}; write the file as UTF-8"
        )
        reading.say("", Reason.BAD_ENCODING, text)
