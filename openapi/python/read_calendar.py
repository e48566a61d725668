"""Reads the calendar at an address by a parser that others wrote; prints its events as JSON."""

import json
import sys
import urllib.request

from icalendar import Calendar

with urllib.request.urlopen(sys.argv[1]) as answer:
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8", answer.headers
    raw = answer.read()

assert all(len(line) <= 75 for line in raw.split(b"\r\n")), "a line is too long"
calendar = Calendar.from_ical(raw)
assert calendar.errors == [] and calendar["VERSION"] == "2.0", calendar.errors
events = [
    {
        "uid": str(event["UID"]),
        "summary": str(event["SUMMARY"]),
        "description": str(event.get("DESCRIPTION", "")),
        "location": str(event.get("LOCATION", "")),
        "status": str(event["STATUS"]),
        "sequence": int(event["SEQUENCE"]),
        "begin": event["DTSTART"].dt.isoformat(),
        "end": event["DTEND"].dt.isoformat(),
        "zone": str(event["DTSTAMP"].dt.tzinfo),
        "errors": [str(error) for error in event.errors],
    }
    for event in calendar.walk("VEVENT")
]
print(json.dumps({"name": str(calendar["X-WR-CALNAME"]), "events": events}))
