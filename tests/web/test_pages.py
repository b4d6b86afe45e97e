import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from export_samples import (
    NOT_REPLAYED,
    NOW,
    SHORT,
    evaluation,
    full_snapshot,
    full_view,
    new_model,
    verdict,
)

from monitor.export.snapshot import Outcome, Snapshot, after_evaluation, after_run, new_view
from monitor.types import (
    Kind,
    PerformanceMetric,
    Problem,
    Promise,
    Reason,
    Stage,
    State,
    Statistic,
    Window,
)
from monitor.web.pages import MOST_SECTIONS, SECURITY_HEADERS, status_page
from monitor.web.style import CSS

VOID = {"meta", "link"}
EVIL = "<script>alert('1')</script>\"&\u202e"


class Reader(HTMLParser):
    """Checks that every element is closed; keeps the tags and the text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.texts, self.attributes = set(), [], [], set()
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


def page(snapshot, not_ready=None):
    return Reader(status_page(snapshot, NOW, not_ready).decode())


def page_of(view):
    return page(Snapshot().with_view(view))


def test_the_page_says_what_a_reader_wants_to_know():
    text = page(full_snapshot()).text
    for words in (
        "1 of 2 in alarm",
        "team-ops",
        "Covariate",
        "since 2024-02-10 00:00",
        "temp moved: median 57 to 14",
        "Moved, but little",
        "Unknown",
        "720, 700 labelled",
        "3 h 20 min",
        "0.76 to 0.82",
        "68.3 times the line",
        "humid has no value in this window",
        "scan: file unreadable (1)",
        "Nothing known yet",
    ):
        assert words in text


def test_nothing_from_data_becomes_markup():
    view = new_view("m", owner=EVIL, tags={"tier": EVIL})
    bad = evaluation(
        window=Window(None, None, EVIL),
        verdicts=(verdict(Kind.COVARIATE, State.ALARM, columns=(EVIL,), reason=EVIL),),
        statistics=(
            Statistic(Kind.COVARIATE, EVIL, EVIL, 2.0, 1.0),
            Statistic(Kind.QUALITY, EVIL, "missing", None),
        ),
        performance=(PerformanceMetric(EVIL, EVIL, 0.5, 0.4, 0.6, 0.5),),
        problems=(Problem(EVIL, Reason.ABSENT_COLUMN, EVIL),),
        class_shares={"reference": {EVIL: 1.0}},
        promises=(Promise(Kind.COVARIATE, 0.5, provisional=True, reason=EVIL),),
    )
    read = page(Snapshot().with_view(after_evaluation(view, bad, 1)), EVIL)
    assert "script" not in read.tags
    assert "<script>alert('1')</script>\"&" in read.text
    assert "\u202e" not in read.text


def test_the_page_needs_no_script_and_no_inline_style():
    read = page(full_snapshot())
    assert not read.tags & {"script", "iframe", "object", "img"}
    assert not {name for name in read.attributes if name.startswith("on") or name == "style"}


def test_the_policy_allows_exactly_this_style():
    digest = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in SECURITY_HEADERS["Content-Security-Policy"]
    assert f"<style>{CSS}</style>" in status_page(Snapshot(), NOW).decode()


def test_it_refreshes_itself_and_fits_a_phone():
    text = status_page(Snapshot(), NOW).decode()
    assert '<meta http-equiv="refresh" content="30">' in text
    assert 'content="width=device-width, initial-scale=1"' in text
    assert "prefers-color-scheme:dark" in text


def test_without_a_model_it_says_what_to_do():
    assert "driftd init" in page(Snapshot()).text


def test_why_not_ready_and_a_bad_configuration_stand_on_top():
    text = page(full_snapshot().with_config(ok=False, at=NOW), "the store is not open yet").text
    assert "Not ready: the store is not open yet" in text
    assert "The configuration is not valid; what holds is the one of 2024-02-10 00:00" in text


def test_an_alarm_stays_one_while_the_newest_window_is_unknown():
    unknown = (verdict(Kind.COVARIATE, State.UNKNOWN, alarm=True),)
    assert (
        "Alarm, now unknown" in page_of(after_evaluation(new_view("m"), evaluation(verdicts=unknown), 1)).text
    )


def test_a_failed_run_shows():
    quiet = after_evaluation(new_view("m"), evaluation(verdicts=(verdict(Kind.COVARIATE),)), 1)
    failed = after_run(quiet, outcome=Outcome.FAILED, ended=NOW, errors=[(Stage.WORKER, Reason.TIMED_OUT)])
    text = page_of(failed).text
    assert "Run failed" in text
    assert "worker: timed out (1)" in text


def test_alarming_models_come_first():
    text = page(full_snapshot()).text
    assert text.index("flight-delay") < text.index("churn")


def test_a_private_label_shows_no_class():
    view = replace(full_view(), private_classes=True)
    assert "Class shares" not in page_of(view).text
    assert "Class shares" in page_of(full_view()).text


def test_it_tells_the_false_alarms_to_expect_and_why_they_are_provisional():
    read = page_of(full_view())
    assert "False alarms per 30 days" in read.text
    assert "covariate 0.31 0.12 to 0.74 0.5 118 settled" in " ".join(read.texts)
    assert "concept \N{EN DASH} \N{EN DASH} 0.25 \N{EN DASH} Provisional" in " ".join(read.texts)
    assert f"Provisional for label, performance: {SHORT}" in read.text
    assert read.text.count(SHORT) == 1
    assert f"Provisional for concept: {NOT_REPLAYED}" in read.text


def test_the_reason_also_stands_where_the_word_does():
    text = status_page(Snapshot().with_view(full_view()), NOW).decode()
    assert text.count(f'title="{SHORT}"') == 2


def test_without_promises_nothing_is_said_of_false_alarms():
    view = after_evaluation(new_view("m"), evaluation(promises=()), 1)
    assert "False alarms" not in page_of(view).text
    certain = (Promise(Kind.COVARIATE, 0.5, 0.3, 0.1, 0.7, 118.0),)
    assert "Provisional" not in page_of(after_evaluation(view, evaluation(promises=certain), 1)).text


def test_numbers_without_a_value_are_dashes_with_a_reason():
    text = page_of(full_view()).text
    assert "no probability" in text
    assert "all missing" in text
    assert "None" not in text
    assert "nan" not in text


@pytest.mark.parametrize("threshold", [0.0, None])
def test_odd_thresholds_have_a_bar_or_a_dash(threshold):
    statistics = (Statistic(Kind.QUALITY, "x", "constant", 1.0, threshold),)
    page_of(after_evaluation(new_view("m"), evaluation(statistics=statistics), 1))


def test_an_interval_of_one_point_can_be_drawn():
    metrics = (
        PerformanceMetric("bias", "realised", 0.0),
        PerformanceMetric("f1", "realised", 1.0, 1.0, 1.0, 1.0),
    )
    text = page_of(after_evaluation(new_view("m"), evaluation(performance=metrics), 1)).text
    assert "bias" in text


def test_many_models_keep_the_page_small():
    views = [replace(full_view(), model=f"model-{index:04}") for index in range(300)]
    text = status_page(Snapshot().with_models(views), NOW).decode()
    assert text.count("<h2>") == MOST_SECTIONS
    assert "250 models stand in the table only" in text
    assert all(f">model-{index:04}<" in text for index in range(300))
    linked = set(re.findall(r'href="#([^"]*)"', text))
    assert linked == set(re.findall(r' id="([^"]*)"', text))


def test_a_new_model_has_a_section():
    assert "Nothing known yet" in page_of(new_model()).text
