"""Events beside what moved: what may explain it, and what was done about it."""

from monitor.dashboards.elements import BLUE, GREEN, GREY, Json, selector
from monitor.dashboards.layout import event, moment


def explaining(one: str) -> tuple[Json, ...]:
    """New versions, planned events and acceptances of the model that the matcher chooses."""
    version = selector("driftd_version_first_seen_timestamp_seconds", one)
    accepted = selector("driftd_accepted_timestamp_seconds", one)
    start, end = (
        f"max by (reason, start) ({selector(f'driftd_planned_{edge}_timestamp_seconds', one)})"
        for edge in ("start", "end")
    )
    going_on = f"{start} <= time() and on (reason, start) {end} > time()"
    return (
        moment("New model version", f"min by (version) ({version})", "version {{version}}", BLUE),
        event("Planned event", going_on, "planned: {{reason}}", GREY),
        moment("Accepted as normal", f"max({accepted})", "accepted as normal", GREEN),
    )
