"""Model files to configurations, with every problem at once and at its place."""

import glob
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from monitor.config.checks import CHECKS
from monitor.config.fingerprint import numbers_fingerprint
from monitor.config.messages import problems_of, unknown_name
from monitor.config.parameters import parameter_problems
from monitor.config.positions import Document, Where, read_document
from monitor.config.schema import DetectorConfig, ModelConfig, SourceConfig
from monitor.config.secrets import Secret, names_a_secret, redact
from monitor.errors import ConfigError, ConfigProblem

__all__ = ["Known", "load_model", "load_paths", "numbers_fingerprint"]

log = logging.getLogger(__name__)

SECTIONS_WITH_SOURCE = ("reference", "live", "ground_truth")
LATER_SOURCES = frozenset({"sql", "spark"})
"""Source kinds that the interface names and this version has not."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_STAND_IN = {
    "version": 1,
    "model": "unnamed",
    "reference": {"source": {"kind": "files"}},
    "live": {"source": {"kind": "files"}},
}
"""Valid sections in the place of faulty ones, so that the others can still be checked."""


Known: TypeAlias = dict[Path, tuple[bytes, ModelConfig]]
"""Files that say all by themselves, as they were read: content and configuration."""


@dataclass(frozen=True, slots=True)
class _File:
    """`content`: None where the environment or another file has a say, or where something is wrong."""

    path: Path
    config: ModelConfig | None
    problems: tuple[ConfigProblem, ...] = ()
    content: bytes | None = None


def load_model(
    path: Path,
    *,
    sources: Mapping[str, type],
    detectors: Mapping[str, type],
    environment: Mapping[str, str] | None = None,
) -> ModelConfig:
    """The configuration of one model file.

    `sources` and `detectors` map each known token to the type of its parameters. `environment` is
    what `${NAME}` reads, the process's own by default. Raises ConfigError with every problem.
    """
    file = _load(path, sources, detectors, os.environ if environment is None else environment)
    if file.config is None:
        raise ConfigError(file.problems)
    return file.config


def load_paths(
    paths: Iterable[Path],
    *,
    sources: Mapping[str, type],
    detectors: Mapping[str, type],
    environment: Mapping[str, str] | None = None,
    known: Known | None = None,
) -> tuple[tuple[ModelConfig, ...], tuple[ConfigProblem, ...]]:
    """The valid models by name, of files and of folders of `*.yaml`, and every problem of the others.

    A bad file hides no other. A name that several files use is a problem, and none of them is
    loaded. A folder without model files is a warning in the log. `known` is what an earlier call
    with the same families left: what has not changed is not parsed again.
    """
    environment = os.environ if environment is None else environment
    known = {} if known is None else known
    files, problems = _expand(paths)
    loaded = [_unchanged(path, known) or _load(path, sources, detectors, environment) for path in files]
    known.clear()
    known.update((file.path, (file.content, file.config)) for file in loaded if file.content and file.config)
    problems.extend(problem for file in loaded for problem in file.problems)
    by_name: dict[str, list[_File]] = {}
    for file in loaded:
        if file.config is not None:
            by_name.setdefault(file.config.model, []).append(file)
    problems.extend(each for name, same in by_name.items() for each in _duplicates(name, same, environment))
    single = (same[0].config for _, same in sorted(by_name.items()) if len(same) == 1)
    return tuple(config for config in single if config is not None), tuple(problems)


def documents(paths: Iterable[Path], environment: Mapping[str, str] | None = None) -> dict[str, Document]:
    """By model its file as data, for problems that only the model's data show."""
    environment = os.environ if environment is None else environment
    found = (read_document(path, environment)[0] for path in _expand(paths)[0])
    return {str(each.data.get("model")): each for each in found if each is not None}


def _expand(paths: Iterable[Path]) -> tuple[list[Path], list[ConfigProblem]]:
    """The files that are meant, each once, and what is wrong with the paths themselves."""
    files: dict[Path, Path] = {}
    problems: list[ConfigProblem] = []
    for path in paths:
        found: list[Path] = []
        if path.is_dir():
            try:
                found = _files_in(path)
            except OSError as error:
                message = f"the folder cannot be read: {(error.strerror or 'unknown reason').lower()}"
                problems.append(ConfigProblem(str(path), 0, 0, "", message))
        elif path.exists():
            found = [path]
        else:
            message = "there is no such file; give model files or folders of *.yaml"
            problems.append(ConfigProblem(str(path), 0, 0, "", message))
        for file in found:
            files.setdefault(file.resolve(), file)
    return list(files.values()), problems


def _files_in(folder: Path) -> list[Path]:
    names = sorted(folder.iterdir())
    found = [name for name in names if name.suffix == ".yaml" and name.is_file()]
    if not found:
        rename = "; rename *.yml to *.yaml" if any(name.suffix == ".yml" for name in names) else ""
        log.warning("the folder %s holds no *.yaml%s", folder, rename, extra={"folder": str(folder)})
    return found


def _duplicates(model: str, same: list[_File], environment: Mapping[str, str]) -> Iterator[ConfigProblem]:
    message = f'"{model}" is the model of {same[0].path} too; give each its own name'
    for file in same[1:]:
        document, _ = read_document(file.path, environment)
        nowhere = ConfigProblem(str(file.path), 0, 0, "model", message)
        yield document.problem(("model",), message) if document is not None else nowhere


def _unchanged(path: Path, known: Known) -> _File | None:
    """The file as it is known, if it is still the same."""
    if path not in known:
        return None
    content, config = known[path]
    try:
        return _File(path, config, content=content) if path.read_bytes() == content else None
    except OSError:
        return None


def _load(
    path: Path, sources: Mapping[str, type], detectors: Mapping[str, type], environment: Mapping[str, str]
) -> _File:
    document, reading = read_document(path, environment)
    if document is None:
        return _File(path, None, reading)
    data = _with_secrets(document, path.absolute().parent)
    config, faults = _validated(document, data)
    misplaced = list(_misplaced_files(document))
    faults += [
        *_source_problems(document, data, sources),
        *_detector_problems(document, data, detectors),
    ]
    broken = {".".join(map(str, where)) for where in document.broken} | {found.path for found in misplaced}
    hidden = document.hidden.values()
    seen = {
        ConfigProblem(fault.file, fault.line, fault.column, fault.path, redact(fault.message, hidden))
        for fault in faults
        if fault.path not in broken
    }
    problems = tuple(sorted({*reading, *misplaced, *seen}))
    alone = not (problems or document.hidden or document.files)
    return _File(path, None if problems else config, problems, document.content if alone else None)


def _with_secrets(document: Document, folder: Path) -> dict[str, Any]:
    """The file's data with the sources' secrets as `Secret` and their paths absolute."""
    data = dict(document.data)
    for section in SECTIONS_WITH_SOURCE:
        part = data.get(section)
        if isinstance(part, Mapping) and isinstance(part.get("source"), Mapping):
            where: Where = (section, "source")
            source = {
                key: value if key == "kind" else _option(document, (*where, key), value)
                for key, value in part["source"].items()
            }
            if "path" in source:
                source["path"] = _absolute(source["path"], folder)
            data[section] = {**part, "source": source}
    return data


def _option(document: Document, where: Where, value: object) -> object:
    """A source's option with its secrets wrapped, those written out in the file included."""
    if isinstance(value, Mapping):
        return {key: _option(document, (*where, key), inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(_option(document, (*where, index), inner) for index, inner in enumerate(value))
    if where in document.hidden:
        return document.hidden[where]
    if isinstance(value, str) and names_a_secret(str(where[-1])):
        return Secret(value)
    return value


def _absolute(value: object, folder: Path) -> object:
    """A path (or each of several) made absolute; URLs and whatever is no path stay."""
    if isinstance(value, tuple):
        return tuple(_absolute(inner, folder) for inner in value)
    if isinstance(value, Secret):
        if _URL.match(value.reveal()):
            return value
        absolute = Path(value.reveal()).is_absolute()
        shown = value.shown if absolute else _joined(folder, value.shown)
        return Secret(_joined(folder, value.reveal()), shown, value.parts)
    if isinstance(value, str) and value and not _URL.match(value):
        return _joined(folder, value)
    return value


def _joined(folder: Path, path: str) -> str:
    """The path below the folder, whose own name is no pattern."""
    if Path(path).is_absolute():
        return path
    return os.path.normpath(Path(glob.escape(str(folder))) / path)


def _validated(document: Document, data: dict[str, Any]) -> tuple[ModelConfig | None, list[ConfigProblem]]:
    """The configuration, and its problems: of each key, and between the sections that are valid."""
    problems: list[ConfigProblem] = []
    faulty: set[str] = set()
    config: ModelConfig | None = None
    try:
        config = candidate = ModelConfig.model_validate(data)
    except ValidationError as error:
        problems = list(problems_of(document, error))
        faulty = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
        sound = {key: value for key, value in data.items() if key not in faulty}
        candidate = ModelConfig.model_validate(_STAND_IN | sound)
    for check in CHECKS:
        if not check.sections & faulty:
            problems.extend(document.problem(where, message) for where, message in check.find(candidate))
    return config, problems


def _misplaced_files(document: Document) -> Iterator[ConfigProblem]:
    for where in document.files:
        if not (
            len(where) > 2
            and where[0] in SECTIONS_WITH_SOURCE
            and where[1] == "source"
            and where[2] != "kind"
        ):
            yield document.problem(where, "!file reads a secret, which only a source's options take")


def _source_problems(
    document: Document, data: Mapping[str, Any], sources: Mapping[str, type]
) -> Iterator[ConfigProblem]:
    for section in SECTIONS_WITH_SOURCE:
        part = data.get(section)
        source = part.get("source") if isinstance(part, Mapping) else None
        kind = source.get("kind") if isinstance(source, Mapping) else None
        if not isinstance(source, Mapping) or not isinstance(kind, str):
            continue
        where: Where = (section, "source")
        if kind in sources:
            yield from parameter_problems(
                document, where, source, sources[kind], shared=tuple(SourceConfig.model_fields), hide=True
            )
        elif kind in LATER_SOURCES:
            yield document.problem((*where, "kind"), f'source kind "{kind}" is not in this version')
        else:
            yield document.problem((*where, "kind"), unknown_name("source kind", kind, sources))


def _detector_problems(
    document: Document, data: Mapping[str, Any], detectors: Mapping[str, type]
) -> Iterator[ConfigProblem]:
    entries = data.get("detectors")
    for index, entry in enumerate(entries if isinstance(entries, tuple) else ()):
        token = entry.get("detector") if isinstance(entry, Mapping) else None
        if not isinstance(entry, Mapping) or not isinstance(token, str) or "defaults" in entry:
            continue
        where: Where = ("detectors", index)
        if token not in detectors:
            yield document.problem((*where, "detector"), unknown_name("detector", token, detectors))
            continue
        yield from parameter_problems(
            document, where, entry, detectors[token], shared=tuple(DetectorConfig.model_fields), hide=False
        )
