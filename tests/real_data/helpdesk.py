"""Reads the real tickets of an Italian help desk (M. Polato, 4TU) and prints what happened to them as the story of handoff 05.

One JSON object a line, in time order: {"at": epoch seconds, "case": name, "what": raise | status | take | try | accept | tell | look, ...}.
The rules by which an event of the log becomes a step of an escalation:

  raise   The first event of a ticket. Its resource is the CSM, who escalates with everything but the acknowledgement filled:
          news once a week, the customer to hear within 24 hours of the fix. The event's name is the first status; if it means that the
          cause is gone, the first status is "Escalated", and the event follows at once.
  status  Every later event: its name becomes the status, set by its resource. "Resolve ticket", "Closed", "RESOLVED" and "VERIFIED" mean
          that the cause is gone; every other name means that it is not.
  take    "Take in charge ticket", besides: its resource becomes who has it. The first such event of all, and the first by anybody but the CSM,
          promise an answer by the seventh day after.
  try     Two seconds after a first take by the CSM: he accepts his own escalation, which nobody may.
  accept  Two seconds after the first take by anybody but the CSM: that person owns the ticket since the take, and accepts.
  tell    "Closed" by the CSM: he logs a call with the customer. A close by anybody else is no word of his.
  look    The daemon looks: every week and an hour, from the first Monday; and before a ticket that changed since the last look is taken again, or crosses
          the line between "cause gone" and "not gone" a second time (the raising is the first), so that nothing happens behind its back.
          A look takes less than two seconds.

With --first N only the tickets that were raised first are played. With --truth it prints what has to have happened, counted here and nowhere else, by these rules, at each look:

  acknowledged   at the first take by anybody but the CSM; missed if that is later than 8 hours after the raising, or has not come by then.
  eta_passed     once per promise, if the cause is not gone (or went later) when the promised day is over in UTC.
  resolved       when the status entered its present run ... as the present status says; withdrawn when it stands unresolved again.
  echoed         at the first look, when the status was entered anew since the last echo, and when the last echo is a week old and the cause
                 is not gone. A week is missed if it was acknowledged and the receiving team gave no sign of life in it up to the moment when the
                 echo was due: no status by anybody but the CSM, no promise or change of who has it by such a person, no acceptance.
                 Of each of these only the latest is known.
  loop_closed    by the CSM's first call at or after the resolution; missed if that is later than 24 hours after it, or has not come by then.
"""

import gzip
import json
import sys
import xml.etree.ElementTree as tree
from datetime import datetime, timedelta, timezone

GONE = {"Resolve ticket", "Closed", "RESOLVED", "VERIFIED"}
TAKE = "Take in charge ticket"
HOUR, DAY, WEEK = 3_600, 86_400, 604_800
# An hour more than the agreed week, so that a look that takes a moment is no news that is missing.
ROUND = WEEK + HOUR


def cases(path):
    for trace in tree.parse(gzip.open(path)).getroot():
        if not trace.tag.endswith("trace"):
            continue
        name, events = None, []
        for child in trace:
            if child.get("key") == "concept:name":
                name = child.get("value")
            if child.tag.endswith("event"):
                values = {each.get("key"): each.get("value") for each in child}
                at = int(datetime.fromisoformat(values["time:timestamp"]).timestamp())
                events.append((at, values["concept:name"], values["org:resource"], values["customer"]))
        yield name, events


def promise(at):
    return (datetime.fromtimestamp(at, timezone.utc).date() + timedelta(days=7)).isoformat()


def steps(events):
    csm, tried, taken = events[0][2], False, False
    for place, (at, name, who, customer) in enumerate(events):
        if place == 0:
            yield at, {"what": "raise", "by": csm, "status": "Escalated" if name in GONE else name, "customer": customer}
        if place > 0 or name in GONE:
            yield at, {"what": "status", "by": who, "status": name}
        if name == TAKE:
            first = not tried and not taken if who == csm else not taken
            yield at, {"what": "take", "by": who, "eta": promise(at) if first else None, "owns": first and who != csm}
            if first and who == csm:
                tried = True
                yield at + 2, {"what": "try", "by": who}
            elif first:
                taken = True
                yield at + 2, {"what": "accept", "by": who}
        if name == "Closed" and who == csm:
            yield at, {"what": "tell", "by": who}


def story(logs):
    rows = [
        (at, name, order, step) for name, events in logs for order, (at, step) in enumerate(steps(events))
    ]
    rows.sort(key=lambda row: row[:3])
    monday = (rows[0][0] // WEEK) * WEEK + 4 * DAY
    touched, gone, crossed = set(), {}, set()

    def look(at):
        touched.clear()
        crossed.clear()
        return {"at": at, "case": "", "what": "look"}

    for at, name, _, step in rows:
        while monday <= at:
            yield look(monday)
            monday += ROUND
        again = name in touched and step["what"] == "take"
        if "status" in step:
            now = step["status"] in GONE
            crosses = gone.get(name) != now
            again = again or (crosses and name in crossed)
        if again:
            yield look(at)
        if step["what"] in ("take", "try", "accept"):
            touched.add(name)
        if "status" in step:
            if crosses:
                crossed.add(name)
            gone[name] = now
        yield {"at": at, "case": name, **step}
    for _ in range(3):
        yield look(monday)
        monday += ROUND


class Ticket:
    def __init__(self, at, csm, status):
        self.csm, self.began = csm, at
        self.status, self.since, self.by, self.entry = status, at, None, 0
        self.promised, self.taken, self.edited, self.told = None, None, None, []
        self.accepted = None
        self.known = {"acked": None, "ack_missed": False, "eta": None, "passed": False, "resolved": None}
        self.known |= {"echoed": None, "entry": None, "closed": None, "loop_missed": False}
        self.happened = {}

    def note(self, what, value=1):
        if what in ("acknowledged", "resolved", "loop_closed"):
            self.happened.setdefault(what, []).append(value)
        else:
            self.happened[what] = self.happened.get(what, 0) + value

    def play(self, at, step):
        what, who = step["what"], step["by"]
        if what == "status":
            if step["status"] != self.status:
                self.status, self.since, self.by, self.entry = step["status"], at, who, self.entry + 1
        elif what == "take":
            if step["eta"] or who != self.taken:
                self.edited = (at, who)
            self.taken, self.promised = who, step["eta"] or self.promised
            if self.first is None and who != self.csm:
                self.first = at
        elif what == "try":
            self.note("refused")
        elif what == "accept":
            self.accepted = at
            self.note("accepted")
        elif what == "tell":
            self.told.append(at)

    first = None

    def look(self, now):
        known = self.known
        gone = self.status in GONE
        if known["acked"] is None:
            due = self.began + 8 * HOUR
            if not known["ack_missed"] and (self.first > due if self.first else now >= due):
                known["ack_missed"] = True
                self.note("ack_missed")
            if self.first:
                known["acked"] = self.first
                self.note("acknowledged", self.first)
        if self.promised != known["eta"]:
            known["eta"], known["passed"] = self.promised, False
            self.note("eta_given")
        resolution = (known["resolved"] or self.since) if gone else None
        if known["eta"] and not known["passed"]:
            end = datetime.fromisoformat(known["eta"] + "T00:00:00+00:00").timestamp() + DAY
            if (resolution or now) >= end:
                known["passed"] = True
                self.note("eta_passed")
        if gone and known["resolved"] is None:
            known["resolved"] = resolution
            self.note("resolved", resolution)
        elif not gone and known["resolved"] is not None:
            known["resolved"], known["closed"], known["loop_missed"] = None, None, False
            self.note("resolution_withdrawn")
        self.echo(now, gone)
        self.close(now)

    def echo(self, now, gone):
        known = self.known
        last = known["echoed"] or self.began
        due = last + WEEK if not gone and last + WEEK <= now else None
        if known["entry"] == self.entry and due is None:
            return
        cause = "echoed_status" if known["entry"] != self.entry else "echoed_tick"
        known["echoed"], known["entry"] = now, self.entry
        self.note(cause)
        signs = [self.since] if self.by not in (None, self.csm) else []
        signs += [self.edited[0]] if self.edited and self.edited[1] != self.csm else []
        signs += [self.accepted] if self.accepted else []
        if due and known["acked"] and not any(last < sign <= due for sign in signs):
            self.note("echo_missed")

    def close(self, now):
        known = self.known
        if known["closed"] or known["resolved"] is None:
            return
        due = known["resolved"] + DAY
        told = min((at for at in self.told if at >= known["resolved"]), default=None)
        if not known["loop_missed"] and (told > due if told else now >= due):
            known["loop_missed"] = True
            self.note("loop_missed")
        if told:
            known["closed"] = told
            self.note("loop_closed", told)


def truth(rows):
    tickets = {}
    for row in rows:
        if row["what"] == "look":
            for ticket in tickets.values():
                ticket.look(row["at"])
        elif row["what"] == "raise":
            tickets[row["case"]] = Ticket(row["at"], row["by"], row["status"])
        else:
            tickets[row["case"]].play(row["at"], row)
    return {
        name: ticket.happened | {"began": ticket.began, "quiet": not ticket.happened.get("loop_closed")}
        for name, ticket in tickets.items()
    }


def main():
    logs = sorted(cases(sys.argv[1]), key=lambda case: (case[1][0][0], case[0]))
    if "--first" in sys.argv:
        logs = logs[: int(sys.argv[sys.argv.index("--first") + 1])]
    rows = list(story(logs))
    if "--truth" in sys.argv:
        print(json.dumps(truth(rows)))
        return
    for row in rows:
        print(json.dumps(row))


main()
