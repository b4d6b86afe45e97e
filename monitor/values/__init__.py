"""Arrow arrays of any type in, the few numpy forms that the profiles count out.

One rule says when two values are equal, as categories and as ids:

- a number is its usual text, and integral numbers have no ".0": 1, 1.0, decimal 1.00 and "1" are "1";
- a text is itself, to the blank and to the case. It equals a number where it is that number's usual
  text, or an integer's with ".0" behind it (what an integer column with gaps becomes in a CSV file).
  So "007", "1.10" and "1e3" remain texts of their own: zip codes and versions are not numbers;
- booleans are "true" and "false", and so are the texts true, True, TRUE, false, False, FALSE; a
  boolean is not 1 or 0;
- dates and times are their ISO 8601 text to the microsecond, in UTC with a "Z" where they have a zone;
- null and NaN are missing. The empty text is a category of its own.

Where a number is wanted, a text is read as one, blanks around it left out; the usual words for a
missing number (empty, NA, N/A, null, None, ...) are missing there, and only there.
"""

from monitor.values.categories import Codes, categorical
from monitor.values.identity import identity_hash
from monitor.values.kinds import column_type
from monitor.values.numbers import NumericValues, numeric
from monitor.values.times import EventTime, event_time, since_epoch

__all__ = [
    "Codes",
    "EventTime",
    "NumericValues",
    "categorical",
    "column_type",
    "event_time",
    "identity_hash",
    "numeric",
    "since_epoch",
]
