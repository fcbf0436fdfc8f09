"""Reads tickets as a warehouse connector exports them from Zendesk (fivetran_zendesk) and prints what happened to them as the story of handoff 05.

One JSON object a line, in time order: {"at": epoch seconds, "case": ticket id, "what": raise | status | take | message | delete | look, ...}.
A ticket is whatever ticket_data, ticket_field_history_data or ticket_comment_data speak of; most of the last two are not in the first. Rules:

  raise    At the earliest of its stamps (one ticket has a history older than its creation), in status "new". Its requester writes the
           description as the impact; a ticket whose own row is not there comes from "importer" and says nothing. Nobody is named as CSM: every
           ticket gets the one of the company, "csm". The channel shows where the signal came from, the ticket itself is its evidence.
           Nobody agreed on a cadence or on a time to close the loop, and due_at is empty: nothing fills these.
  status   A row of the status history; and what the ticket's own row says, at updated_at. Their user_id is empty: "desk" did it.
  take     A row of the assignee history, and the assignee of the ticket's own row when it was raised: he has it, and promises no date.
  message  A public comment, by its author.
  delete   A ticket's own row says "deleted", at updated_at.
  look     The daemon looks after every step, and once 60 days after the last one.

With --truth it prints what has to have come of each ticket, counted here and nowhere else:

  filled                which fields of the contract are answered. An impact that somebody else than the CSM wrote is not; nor is one with
                        fewer than 15 letters and digits.
  ended                 it was deleted.
  ack_missed            nobody accepted, and nobody promised a date: at the first look 8 hours and more after the raising.
  echoed                entries into a status, each seen by a look: the first one, and every row that says another than the one before.
  resolved, withdrawn   looks that find "solved" or "closed" after another status, and the other way round.
  loop_missed           the CSM called nobody within 24 hours of the fix, as a look found.
  foreign               public comments by anybody but the CSM.
"""

import csv
import json
import sys
from datetime import datetime, timezone
from pathlib import Path

GONE = {"solved", "closed"}
HOUR = 3_600


def table(folder, name):
    with open(folder / f"{name}_data.csv", newline="") as file:
        return list(csv.DictReader(file))


def stamp(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())


def rows_of(folder):
    tickets = {row["id"]: row for row in table(folder, "ticket")}
    found = []
    for row in table(folder, "ticket_field_history"):
        at = stamp(row["updated"])
        if row["field_name"] == "status":
            found.append((at, row["ticket_id"], {"what": "status", "by": "desk", "status": row["value"]}))
        elif row["field_name"] == "assignee_id":
            found.append((at, row["ticket_id"], {"what": "take", "by": row["value"]}))
        else:
            found.append((at, row["ticket_id"], None))
    for row in table(folder, "ticket_comment"):
        public = row["public"] == "TRUE"
        step = {"what": "message", "by": row["user_id"], "id": row["id"]} if public else None
        found.append((stamp(row["created"]), row["ticket_id"], step))
    for name, row in tickets.items():
        found.append((stamp(row["created_at"]), name, None))
        if row["assignee_id"]:
            found.append((stamp(row["created_at"]), name, {"what": "take", "by": row["assignee_id"]}))
        if row["status"] == "deleted":
            found.append((stamp(row["updated_at"]), name, {"what": "delete", "by": "desk"}))
        else:
            found.append((stamp(row["updated_at"]), name, {"what": "status", "by": "desk", "status": row["status"]}))
    return tickets, found


def story(folder):
    tickets, found = rows_of(folder)
    began = {}
    for at, name, _ in found:
        began[name] = min(at, began.get(name, at))
    rows = []
    for name, at in began.items():
        own = tickets.get(name, {})
        step = {"what": "raise", "by": own.get("requester_id", "importer"), "status": "new"}
        step |= {"impact": own.get("description", ""), "customer": own.get("organization_id") or "nobody"}
        step |= {"channel": own.get("via_channel", ""), "evidence": own.get("id", "")}
        rows.append((at, int(name), -1, step))
    rows += [(at, int(name), order, step) for order, (at, name, step) in enumerate(found) if step]
    rows.sort(key=lambda row: row[:3])
    for at, name, _, step in rows:
        yield {"at": at, "case": str(name), **step}
        yield {"at": at, "case": "", "what": "look"}
    yield {"at": rows[-1][0] + 60 * 24 * HOUR, "case": "", "what": "look"}


def filled(step):
    informs = sum(each.isalnum() for each in step["impact"]) >= 15 and step["by"] == "csm"
    found = {"communication_owner": True, "impact": informs, "signal": bool(step["channel"] and step["evidence"])}
    return sorted(key for key, value in found.items() if value)


class Ticket:
    def __init__(self, at, step):
        self.began, self.status, self.changes, self.foreign, self.ended = at, step["status"], 0, 0, False
        self.since, self.seen, self.resolved, self.acked = at, None, None, False
        self.told = {"filled": filled(step), "ended": False}
        self.told |= dict.fromkeys(["ack_missed", "echoed", "resolved", "withdrawn", "loop_missed", "foreign"], 0)
        self.late = False

    def play(self, at, step):
        if step["what"] == "status" and step["status"] != self.status:
            self.status, self.since, self.changes = step["status"], at, self.changes + 1
        elif step["what"] == "message":
            self.foreign += 1
        elif step["what"] == "delete":
            self.ended = True

    def look(self, now):
        told, gone = self.told, self.status in GONE
        if told["ended"]:
            return
        if self.ended:
            told["ended"] = True
            return
        told["foreign"] = self.foreign
        if now >= self.began + 8 * HOUR:
            told["ack_missed"] = 1
        if gone and self.resolved is None:
            self.resolved, self.late = self.since, False
            told["resolved"] += 1
        elif not gone and self.resolved is not None:
            self.resolved = None
            told["withdrawn"] += 1
        if self.seen != self.changes:
            self.seen = self.changes
            told["echoed"] += 1
        if self.resolved is not None and not self.late and now >= self.resolved + 24 * HOUR:
            self.late = True
            told["loop_missed"] += 1


def truth(rows):
    tickets = {}
    for row in rows:
        if row["what"] == "look":
            for ticket in tickets.values():
                ticket.look(row["at"])
        elif row["what"] == "raise":
            tickets[row["case"]] = Ticket(row["at"], row)
        else:
            tickets[row["case"]].play(row["at"], row)
    return {name: ticket.told for name, ticket in tickets.items()}


def main():
    rows = list(story(Path(sys.argv[1])))
    if "--truth" in sys.argv:
        print(json.dumps(truth(rows)))
        return
    for row in rows:
        print(json.dumps(row))


main()
