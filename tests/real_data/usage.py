"""Counts, outside the daemon, what product telemetry says about the adoption of each customer: handoff 04's field `adoption`.

Usage: usage.py SET DATA_DIRECTORY OUTPUT_DIRECTORY [--first N]. SET is ravenstack or pendo. Writes onboardings.csv (one line for each key of the telemetry)
and, for pendo, rows.json (the rows as a sender would make them: neither address nor browser of a visitor); ravenstack's file is sent as it is.
With --first only the first N rows are counted. Prints one JSON object.

The rules:

  key        ravenstack: the subscription (the accounts' file names none of them). pendo: the account.
  row        ravenstack: one line; a later line of the same subscription with the same usage_id takes the place of the earlier one.
             pendo: one line of feature_event.csv or page_event.csv; the same feature or page at the same moment likewise.
  opening    when the customers went live: ravenstack 2024-07-01T00:00Z, pendo 2021-07-01T00:00Z.
  counted    a row from exactly 365 days before the opening up to it; ravenstack dates rows by day, which is its midnight in UTC.
  week       named by its Monday, in UTC.
  curve      per week the sum of usage_count or num_events; weeks without a row are no point.
  features   the same for each feature; pendo's features and pages by the newest name that their history file knows, else by their id.
  filled     a curve of two points or more; a feature alone may have one.
"""

import csv
import json
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

OPENING = {"ravenstack": datetime(2024, 7, 1), "pendo": datetime(2021, 7, 1)}


def lines(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def ravenstack(folder):
    for line in lines(folder / "ravenstack_feature_usage.csv"):
        at = datetime.fromisoformat(line["usage_date"])
        yield line["subscription_id"], line["usage_id"], at, line["feature_name"], int(line["usage_count"])


def pendo(folder):
    for what in ("feature", "page"):
        newest = {}
        for line in sorted(lines(folder / f"{what}_history.csv"), key=lambda line: line["last_updated_at"]):
            newest[line["id"]] = line["name"]
        for line in lines(folder / f"{what}_event.csv"):
            thing, at = line[f"{what}_id"], datetime.fromisoformat(line["timestamp"])
            yield line["account_id"], f"{thing}@{at}", at, newest.get(thing, thing), int(line["num_events"])


def main():
    name, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    rows = list({"ravenstack": ravenstack, "pendo": pendo}[name](source))
    if "--first" in sys.argv:
        rows = rows[: int(sys.argv[sys.argv.index("--first") + 1])]
    opening = OPENING[name]
    if name == "pendo":
        sent = [
            {"account_id": key, "id": row, "at": at.isoformat() + "Z", "feature": feature, "events": count}
            for key, row, at, feature, count in rows
        ]
        (target / "rows.json").write_text(json.dumps(sent))
    last = {(key, row): (at, feature, count) for key, row, at, feature, count in rows}
    curves, features = defaultdict(Counter), defaultdict(lambda: defaultdict(Counter))
    for (key, _), (at, feature, count) in last.items():
        if opening - timedelta(days=365) <= at <= opening:
            monday = str((at - timedelta(days=at.weekday())).date())
            curves[key][monday] += count
            features[key][feature][monday] += count
    keys = sorted({row[0] for row in rows})
    with open(target / "onboardings.csv", "w", newline="") as file:
        file.write("key\n" + "".join(f"{key}\n" for key in keys))
    print(json.dumps({
        "rows": len(rows),
        "kept": len(last),
        "filled": sum(len(curves[key]) >= 2 for key in keys),
        "empty": sum(not curves[key] for key in keys),
        "uses": sum(sum(curve.values()) for curve in curves.values()),
        "keys": {key: {"curve": curves[key], "features": features[key]} for key in keys},
    }, sort_keys=True))


main()
