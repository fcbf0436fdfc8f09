"""Reads the real declarations (BPI Challenge 2020) and prints what happened to them as the story of a handoff.

One JSON object a line, in time order: {"at": epoch seconds, "case": name, "what": save | submit | reject | withdraw | approve | pay}.
The rules by which an event of the log becomes a step of a handoff:

  save      "Declaration SAVED by EMPLOYEE": the deal exists, with nothing in its package.
  submit    "Declaration SUBMITTED by EMPLOYEE": the sender fills the package.
  reject    "Declaration REJECTED by" anybody but the employee: the receiving side sends it back.
  withdraw  "Declaration REJECTED by EMPLOYEE" while it waits for the receiving side: the sender takes it back.
            After a rejection the same event is the employee's acknowledgement, and nothing changes.
  approve   "Declaration FINAL_APPROVED by SUPERVISOR": the receiver's acceptance. Earlier approvals are steps on the receiving side.
  pay       "Payment Handled": an automated process moves the deal to won.

With --first N only the declarations that began first are played. With --truth it prints the same log's figures instead, counted here and nowhere
else.
"""

import gzip
import json
import statistics
import sys
import xml.etree.ElementTree as tree
from datetime import datetime

FINAL = "Declaration FINAL_APPROVED by SUPERVISOR"


def cases(path):
    root = tree.parse(gzip.open(path)).getroot()
    for trace in root:
        if not trace.tag.endswith("trace"):
            continue
        name, events = None, []
        for child in trace:
            if child.get("key") == "concept:name":
                name = child.get("value")
            if child.tag.endswith("event"):
                values = {each.get("key"): each.get("value") for each in child}
                at = datetime.fromisoformat(values["time:timestamp"]).timestamp()
                events.append((int(at), values["concept:name"]))
        yield name, events


def steps(events):
    waiting = False
    for at, what in events:
        if "SUBMITTED" in what:
            waiting = True
            yield at, "submit"
        elif what == FINAL:
            waiting = False
            yield at, "approve"
        elif "REJECTED by EMPLOYEE" in what:
            if waiting:
                yield at, "withdraw"
            waiting = False
        elif "REJECTED" in what:
            waiting = False
            yield at, "reject"
        elif "SAVED" in what:
            yield at, "save"
        elif what == "Payment Handled":
            yield at, "pay"


def truth(logs):
    approved = clean = reopened = bypassed = 0
    seconds = []
    for _, events in logs:
        finals = [place for place, (_, what) in enumerate(events) if what == FINAL]
        rejects = [place for place, (_, what) in enumerate(events) if "REJECTED" in what and "EMPLOYEE" not in what]
        paid = any(what == "Payment Handled" for _, what in events)
        bypassed += paid and not finals
        if not finals:
            continue
        approved += 1
        clean += not any(place < finals[-1] for place in rejects)
        reopened += any(what.endswith("MISSING") for _, what in events[finals[0]:])
        submitted = max(at for at, what in events[: finals[-1]] if "SUBMITTED" in what)
        seconds.append(events[finals[-1]][0] - submitted)
    return {
        "cases": len(logs),
        "approved": approved,
        "approved_without_rejection": clean,
        "reopened": reopened,
        "paid_without_approval": bypassed,
        "median_seconds": statistics.median(seconds),
    }


def main():
    logs = list(cases(sys.argv[1]))
    if "--first" in sys.argv:
        logs.sort(key=lambda case: (case[1][0][0], case[0]))
        logs = logs[: int(sys.argv[sys.argv.index("--first") + 1])]
    if "--truth" in sys.argv:
        print(json.dumps(truth(logs)))
        return
    rows = [(at, order, name, what) for name, events in logs for order, (at, what) in enumerate(steps(events))]
    # Within one second a case keeps its own order.
    rows.sort(key=lambda row: (row[0], row[2], row[1]))
    for at, _, name, what in rows:
        print(json.dumps({"at": at, "case": name, "what": what}))


main()
