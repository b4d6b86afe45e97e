"""Which column is what for the model, guessed by name and by values, each with its reason."""

import re
from dataclasses import dataclass, field

from monitor.guess.looks import DataFile, Look
from monitor.types import Task

FEW = 10
"""Whole numbers with at most so many values are taken for categories."""
MANY = 1000
"""Text with more values, or with one for every second row, is taken for ids or free text."""
MOST_CLASSES = 20
"""Whole numbers with more values are amounts, not classes."""
_TYPES = {"text": "text", "boolean": "true or false"}
_NAMES = {
    "label_time": r"(label|y|target|truth|outcome)_?(ts|time|timestamp|at|date)",
    "timestamp": r"ts|time|timestamp|datetime|date|event_?time(stamp)?|.*_(ts|time|timestamp|at|date)",
    "prediction": r"(y_?)?(pred|prediction|predicted|hat)|.*_(pred|prediction)|predicted_.*",
    "class_probability": r"(?:y_?)?(?:proba|prob|probability)_(.+)",
    "probability": r"(y_?)?(proba|prob|probability|score)|.*_(proba|probability)",
    "label": r"y|y_?true|(y_?)?(label|target|actual|truth)|ground_?truth|outcome|class",
    "version": r"(model_?)?version",
    "id": r"id|uuid|guid|key|.*_(id|uuid|guid|key)",
    "split": r"split|set|fold|partition|subset",
    "private": r".*(e_?mail|phone|ssn|passport|birth|address|iban|surname|(last|first|full)_?name).*",
}


@dataclass(slots=True)
class Roles:
    """The columns by role, and why; `left` are those without a role yet."""

    left: list[Look]
    named: dict[str, tuple[Look, str]] = field(default_factory=dict)
    classes: dict[str, Look] = field(default_factory=dict)
    ignored: list[tuple[Look, str]] = field(default_factory=list)
    task: Task | None = None
    task_reason: str = ""

    def named_like(self, role: str, *kinds: str) -> Look | None:
        """The first column that is named like the role and holds such values."""
        fitting = (look for look in self.left if not kinds or look.kind in kinds)
        return next((look for look in fitting if is_named(look, role)), None)

    def take(self, role: str, look: Look | None, reason: str) -> None:
        """Give a column a role."""
        if look is not None:
            self.named[role] = look, reason
            self.left.remove(look)

    def ignore(self, look: Look, reason: str) -> None:
        """Leave a column out of the measuring."""
        self.ignored.append((look, reason))
        self.left.remove(look)

    def look(self, role: str) -> Look | None:
        """The column of a role."""
        return self.named[role][0] if role in self.named else None


def roles_of(file: DataFile) -> Roles:
    """Who is who: by name first, then by what the values allow."""
    roles = Roles(list(file.looks))
    when = roles.named_like("label_time", "time")
    if when is not None:
        roles.ignore(when, "when the label became known: with ground_truth it is ground_truth.timestamp")
    when = roles.named_like("timestamp", "time")
    by_name = "named like one, holds times"
    if when is None:
        when, by_name = (
            next((look for look in roles.left if look.kind == "time"), None),
            "the first column of times",
        )
    roles.take("timestamp", when, f"event time: {by_name}")
    roles.take("prediction", roles.named_like("prediction"), "named like one")
    roles.take("label", roles.named_like("label"), "named like one")
    roles.take("version", roles.named_like("version"), "named like one")
    unique = (
        look
        for look in roles.left
        if is_named(look, "id") and look.unique and look.kind in {"integer", "text"}
    )
    roles.take("id", next(unique, None), "named like one, and every row has its own")
    _guess_task(roles)
    _guess_probability(roles)
    for look in tuple(roles.left):
        reason = _reason_to_ignore(look)
        if reason is not None:
            roles.ignore(look, reason)
    return roles


def _guess_task(roles: Roles) -> None:
    """What the label's values, or else the prediction's, say."""
    role = "label" if "label" in roles.named else "prediction"
    look = roles.look(role)
    if look is None:
        return
    scored = any(_is_probability(other) or is_named(other, "class_probability") for other in roles.left)
    amounts = look.kind in {"integer", "number"} and not (look.whole and 0 < len(look.values) <= MOST_CLASSES)
    if look.kind in {"time", "other"} or (look.kind == "text" and look.distinct > 50):
        return
    if look.distinct <= 2:
        roles.task, found = Task.BINARY, f"the {role} has {_plural(look.distinct, 'value')}"
    elif amounts:
        roles.task, found = Task.REGRESSION, f"the {role} is a number with {look.distinct} values"
    else:
        roles.task, found = Task.MULTICLASS, f"the {role} has {look.distinct} values"
        if look.kind != "text" and not scored:
            found += "; if they are amounts, write regression"
    roles.task_reason = found


def _guess_probability(roles: Roles) -> None:
    if roles.task in {None, Task.REGRESSION}:
        return
    for look in tuple(roles.left):
        match = re.fullmatch(_NAMES["class_probability"], look.name.lower())
        if match is not None and _within_one(look):
            roles.classes[look.name[match.start(1) :]] = look
    if len(roles.classes) < 2 or (roles.task is Task.BINARY and len(roles.classes) > 2):
        roles.classes.clear()
    for look in roles.classes.values():
        roles.left.remove(look)
    single = next((look for look in roles.left if _is_probability(look)), None)
    if roles.task is Task.BINARY and not roles.classes:
        roles.take("probability", single, "of the positive class: named like one, all within 0 and 1")
    elif single is not None:
        roles.ignore(single, "a probability, but not of a known class")


def _reason_to_ignore(look: Look) -> str | None:
    """Why a column is no feature; None where it is one."""
    reason = None
    if look.kind == "other":
        reason = f"{look.type} values are not measured"
    elif look.kind == "time":
        reason = "times always move; derive an hour or an age from it instead"
    elif look.present == 0:
        reason = "has no value at all"
    elif is_named(look, "split") and look.kind == "text":
        reason = "says which part of the data a row is in"
    elif look.kind == "integer" and look.unique and look.high is not None and look.low is not None:
        counts = look.high - look.low == look.rows - 1
        reason = "counts the rows" if counts else "every row has its own: an id"
    elif is_category(look) and look.rows > 100 and look.distinct > min(MANY, look.present / 2):
        reason = f"{look.distinct} different values in {look.present} rows: ids or free text"
    return reason


def is_named(look: Look, role: str) -> bool:
    """Whether the column's name is one that this role usually has."""
    return re.fullmatch(_NAMES[role], look.name.lower()) is not None


def is_category(look: Look) -> bool:
    """Whether the values are compared as categories: text, booleans, few whole numbers, codes."""
    few = look.kind == "integer" and (look.distinct <= FEW or is_named(look, "id"))
    return look.kind in {"text", "boolean"} or few


def feature_reason(look: Look) -> str:
    """Why a feature is numeric or categorical, and what it holds."""
    missing = look.rows - look.present
    gaps = f", {100 * missing / look.rows:.2g} % missing" if missing else ""
    if not is_category(look):
        return f"{look.type} from {look.low:g} to {look.high:g}{gaps}"
    only = " only" if look.kind == "integer" and look.distinct <= FEW else ""
    return f"{_TYPES.get(look.kind, look.type)}, {_plural(look.distinct, 'value')}{only}{gaps}"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _within_one(look: Look) -> bool:
    in_range = look.low is not None and look.high is not None and look.low >= 0 and look.high <= 1
    return look.kind in {"number", "integer"} and in_range


def _is_probability(look: Look) -> bool:
    return is_named(look, "probability") and _within_one(look)
