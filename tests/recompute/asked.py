"""Questions that the customer had answered before: which cycles were asked again, and which accounts.

A cycle is asked again if, from its acceptance on and less than 30 days later, a call began in which a person confirmed a question for what the
package held, or a report on the record says so and stands. Of a call that was scored again the newest suggestions count, and older ones that a person
answered; a call that was withdrawn does not count, unless it was scored after that. Of each side's reports the newest counts.
"""

from collections import defaultdict

DAYS_30 = 30 * 24 * 3600 * 1_000_000


class Asked:
    def __init__(self, tables):
        self.calls = defaultdict(dict)
        self.reports = defaultdict(dict)
        # Since when anybody listens at all.
        self.since = None
        rows = tables.rows(
            "reasks",
            "position:i index:i logged_at:m stream:t cycle:i what:t call:t at:m field:t from_ms:i stands:b source:t",
            'position, "index"',
        )
        found = defaultdict(list)
        for row in rows:
            if row["what"] == "suggested":
                found[row["position"]].append((row["field"], row["from_ms"]))
        for row in rows:
            self.take(row, found[row["position"]])

    def take(self, row, found):
        what, calls = row["what"], self.calls[row["stream"]]
        if what != "withdrawn" and self.since is None:
            self.since = row["logged_at"]
        if what == "scored":
            answered = {place: said for place, said in self.places(calls, row).items() if said is not None}
            places = {**dict.fromkeys(found), **answered}
            calls[row["call"]] = {"cycle": row["cycle"], "at": row["at"], "places": places, "counts": True}
        elif what == "answered":
            places, place = self.places(calls, row), (row["field"], row["from_ms"])
            if place in places:
                places[place] = row["stands"]
        elif what == "withdrawn" and row["call"] in calls:
            calls[row["call"]]["counts"] = False
        elif what == "reported":
            asked = row["logged_at"] if row["at"] is None else row["at"]
            self.reports[row["stream"]][row["source"]] = (row["cycle"], asked, row["stands"])

    @staticmethod
    def places(calls, row):
        return calls[row["call"]]["places"] if row["call"] in calls else {}

    def again(self, cycle):
        """Whether a cycle was asked again."""
        if cycle.acceptance is None:
            return False
        accepted = cycle.acceptance["at"]

        def within(at):
            return accepted <= at < accepted + DAYS_30

        calls, reports = self.calls.get(cycle.stream, {}), self.reports.get(cycle.stream, {})
        heard = any(
            call["counts"] and call["cycle"] == cycle.number and within(call["at"]) and True in call["places"].values()
            for call in calls.values()
        )
        return heard or any(
            stands and number == cycle.number and within(asked) for number, asked, stands in reports.values()
        )
