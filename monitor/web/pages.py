"""The status page: every model at a glance, in plain HTML without scripts."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from monitor import __version__
from monitor.export.snapshot import ModelView, Snapshot
from monitor.types import utc
from monitor.web.markup import Child, Markup, element, join
from monitor.web.model_section import model_section, model_state
from monitor.web.style import CSS, SECURITY_HEADERS
from monitor.web.words import chip, moment, span

__all__ = ["SECURITY_HEADERS", "status_page"]

REFRESH_SECONDS: Final = 30
MOST_SECTIONS: Final = 50
"""More models than this stand in the table only, the alarming ones last to go."""


def status_page(snapshot: Snapshot, now: datetime, not_ready: str | None = None) -> bytes:
    """The page as UTF-8; `not_ready` says why the daemon is not ready, None when it is."""
    views = sorted(snapshot.models.values(), key=lambda view: (not view.alarming, view.model))
    alarms = sum(view.alarming for view in views)
    title = f"{alarms} in alarm - driftd" if alarms else "driftd"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", http_equiv="refresh", content=REFRESH_SECONDS),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        Markup(f"<style>{CSS}</style>"),
    )
    body = element(
        "body",
        _header(views, alarms, now),
        element(
            "main",
            *_notes(snapshot, not_ready),
            _overview(views, now) if len(views) > 1 else None,
            *(model_section(view, now) for view in views[:MOST_SECTIONS]),
        ),
        _footer(len(views)),
    )
    return f"<!doctype html>{element('html', head, body, lang='en')}\n".encode()


def _header(views: list[ModelView], alarms: int, now: datetime) -> Markup:
    if not views:
        state = chip("none", "no model")
    elif alarms:
        state = chip("alarm", f"{alarms} of {len(views)} in alarm")
    else:
        state = chip("ok", "no alarm")
    return element(
        "header",
        element("h1", "driftd"),
        state,
        element("span", "as of ", moment(now), class_="soft small push"),
    )


def _notes(snapshot: Snapshot, not_ready: str | None) -> Iterable[Markup]:
    if not_ready is not None:
        yield _note("Not ready: ", not_ready)
    if not snapshot.config_ok:
        known = join("the one of ", moment(snapshot.config_time)) if snapshot.config_time else "none"
        yield _note("The configuration is not valid; what holds is ", known, ". The log says what is wrong.")
    if not snapshot.models and not_ready is None:
        yield _note(
            "No model is loaded. Write a model file, or let ", element("code", "driftd init"), " do it."
        )


def _note(*children: Child) -> Markup:
    return element("p", *children, class_="card note")


def _overview(views: list[ModelView], now: datetime) -> Markup:
    columns = (
        ("Model", ""),
        ("State", ""),
        ("In alarm", "wide"),
        ("Evaluated up to", "wide"),
        ("Lag", "number"),
    )
    head = element("tr", *(element("th", name, class_=style or None) for name, style in columns))
    rows = (_overview_row(view, now, linked=place < MOST_SECTIONS) for place, view in enumerate(views))
    return element(
        "section",
        element("div", element("table", element("thead", head), element("tbody", *rows)), class_="scroll"),
        class_="card",
    )


def _overview_row(view: ModelView, now: datetime, *, linked: bool) -> Markup:
    name = element("a", view.model, href=f"#{view.model}") if linked else view.model
    kinds = ", ".join(verdict.kind for verdict in view.verdicts if verdict.alarm)
    end = view.window_end
    return element(
        "tr",
        element("td", name, class_="name"),
        element("td", model_state(view)),
        element("td", kinds or "\N{EN DASH}", class_="wide"),
        element("td", moment(end) if end else "\N{EN DASH}", class_="wide nowrap"),
        element("td", span(max(utc(now) - end, timedelta())) if end else "\N{EN DASH}", class_="number"),
    )


def _footer(models: int) -> Markup:
    more = f" {models - MOST_SECTIONS} models stand in the table only." if models > MOST_SECTIONS else ""
    links = (element("a", name, href=name) for name in ("/metrics", "/-/healthy", "/-/ready"))
    separated = (part for link in links for part in (link, " \N{MIDDLE DOT} "))
    refresh = f"refreshed every {REFRESH_SECONDS} s, times in UTC.{more}"
    return element("footer", *separated, f"driftd {__version__} \N{MIDDLE DOT} ", refresh)
