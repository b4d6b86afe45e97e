"""The tokens that metrics and the interface print as `stage` and `reason`: stable, enumerated here only."""

from enum import StrEnum


class Reason(StrEnum):
    """Every token that can stand in `reason`: stable, each documented by its own line here."""

    # a window
    TOO_FEW_ROWS = "too_few_rows"  # under window.min_rows: nothing is measured
    EMPTY_WINDOW = "empty_window"  # no row at all, though later rows exist
    LATE_ROWS = "late_rows"  # rows behind the watermark: counted, never evaluated
    FUTURE_ROWS = "future_rows"  # rows far ahead of now: left alone until their window is due
    NO_TIMESTAMP = "no_timestamp"  # rows without an event time: in no window
    NAIVE_TIMESTAMP = "naive_timestamp"  # times without a zone: read in window.timezone
    # a file
    FILE_UNREADABLE = "file_unreadable"  # corrupt, truncated, wrong format or no permission
    FILE_EMPTY = "file_empty"  # a file without rows
    FILE_INCOMPLETE = "file_incomplete"  # still being written; tried again at the next run
    BAD_ENCODING = "bad_encoding"  # text that is not UTF-8
    BAD_ROWS = "bad_rows"  # rows that cannot be read: left out, the file's other rows count
    NO_FILES = "no_files"  # nothing matches the path
    # a column
    ABSENT_COLUMN = "absent_column"  # the reference has it, the window has not
    ADDED_COLUMN = "added_column"  # the window has it, the reference has not: not measured
    TYPE_CHANGED = "type_changed"  # values that cannot be read as the reference's type
    UNSUPPORTED_TYPE = "unsupported_type"  # nested or binary values: not measured
    MIXED_TYPES = "mixed_types"  # numbers and text in one column
    ALL_MISSING = "all_missing"  # no value in the window
    CONSTANT = "constant"  # one value only: in the reference, or now where it had several
    INFINITE_VALUES = "infinite_values"  # plus or minus infinity: counted, in no distance
    OUTLIERS = "outliers"  # values far outside the reference's range
    UNSEEN_CATEGORY = "unseen_category"  # categories that the reference does not have
    HIGH_CARDINALITY = "high_cardinality"  # ids, free text or counters: reported, not tested
    DETECTOR_FAILED = "detector_failed"  # the detector raised; the other columns go on
    UNDEFINED = "undefined"  # the statistic has no value on these counts
    # ids, predictions and labels
    DUPLICATE_ID = "duplicate_id"  # one id on several rows: the first row joins
    DUPLICATE_LABEL = "duplicate_label"  # several different labels for one id: the first holds
    UNKNOWN_ID = "unknown_id"  # labels for ids that no window awaits: unknown, or later than the horizon
    NO_LABELS = "no_labels"  # no label in this window yet
    TOO_FEW_LABELS = "too_few_labels"  # labels, but too few for a verdict
    UNSEEN_CLASS = "unseen_class"  # labels of classes that the reference's labels lack
    ONE_CLASS = "one_class"  # the metric needs rows of more than one class
    NO_PREDICTION = "no_prediction"  # the rows that have labels have no prediction
    NO_PROBABILITY = "no_probability"  # the metric needs probabilities
    BAD_PROBABILITY = "bad_probability"  # probabilities outside [0, 1]
    NOT_CALIBRATED = "not_calibrated"  # probabilities are off even after calibration: estimates are not sure
    NOT_WEIGHTED = "not_weighted"  # too few rows are like the window's to weight them: estimates are not sure
    OUTSIDE_SUPPORT = "outside_support"  # inputs are broken or beyond the reference: estimates are not sure
    NOT_LABEL_SHIFT = "not_label_shift"  # other class shares alone do not explain the predictions
    CONFUSION_SINGULAR = "confusion_singular"  # predictions hardly tell the classes apart: wide intervals
    FEW_LABELS = "few_labels"  # a class has few labels in the reference: its interval is wide
    UNTESTED = "untested"  # predicted classes alone cannot show whether label shift explains them
    NO_REFERENCE_LABELS = "no_reference_labels"  # the reference has no labels: nothing to compare with
    # a run
    SOURCE_FAILED = "source_failed"  # the source could not be read at all
    CONFIG_INVALID = "config_invalid"  # the model file is not valid
    REFERENCE_INVALID = "reference_invalid"  # the reference cannot define normal
    REFERENCE_CHANGED = "reference_changed"  # the reference is another one: alarms closed
    ACCEPTED = "accepted"  # `driftd accept`: what is now is normal, alarms closed
    STORE_FULL = "store_full"  # the disk is full
    STORE_LOCKED = "store_locked"  # the database is locked
    STORE_FAILED = "store_failed"  # any other failure of the store
    TIMED_OUT = "timed_out"  # the run took longer than --run-timeout
    OUT_OF_MEMORY = "out_of_memory"  # the run used more than --run-memory
    CRASHED = "crashed"  # the worker process died
    LEASED = "leased"  # another process evaluates this model
    OVERLAP = "overlap"  # the model's last run still goes on
    QUARANTINED = "quarantined"  # the model's last run had to be ended; another such model runs now
    INTERNAL = "internal"  # a fault of driftd itself


class Stage(StrEnum):
    """Where the time of a run goes, and where an error arose; the `stage` label of the metrics."""

    CONFIG = "config"  # reading the model files
    REFERENCE = "reference"  # learning the reference, or taking it from the store
    SCAN = "scan"  # finding and reading rows
    DETECT = "detect"  # statistics, verdicts and alarms
    STORE = "store"  # reading and writing the state
    WORKER = "worker"  # the process that runs a model
    EXPORT = "export"  # what is served to Prometheus and to browsers
