"""Numbers and names as they stand in a sentence."""

LONGEST = 40
"""Characters of a name or category that are shown."""


def printable(text: str) -> str:
    r"""The text without what steers a terminal or turns the direction of writing.

    >>> printable("two\nlines \x1b[31m")
    'two?lines ?[31m'
    """
    return "".join(each if each.isprintable() else "?" for each in text)


def shown(text: str) -> str:
    """A name from the data as it may stand in a sentence: printable, and not endless."""
    clean = printable(text)
    return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 3]}..."


def number(value: float, digits: int = 3) -> str:
    """A number with three significant digits, or as many as asked, without an exponent up to a million.

    >>> number(1234567.0), number(0.012345), number(-57.26), number(12345.6)
    ('1.23e+06', '0.0123', '-57.3', '12300')
    """
    rounded = float(f"{value:.{digits}g}")
    plain = 10**3 <= abs(rounded) < 10 ** max(6, digits)
    return f"{rounded:.0f}" if plain and rounded.is_integer() else f"{rounded:.{digits}g}"


def pair(before: float, now: float) -> str:
    """Two numbers with as many digits as tell them apart."""
    found = ((number(before, digits), number(now, digits)) for digits in range(3, 17))
    return " to ".join(next((two for two in found if two[0] != two[1]), (repr(before), repr(now))))
