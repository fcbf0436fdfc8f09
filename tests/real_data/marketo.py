"""Counts, outside the daemon, what a Marketo account knows of its leads and what handoff 01 makes of it.

Usage: marketo.py DATA_DIRECTORY OUTPUT_DIRECTORY. Writes leads.csv, campaigns.csv, members.csv, activities.csv and sends.csv for the
sandbox's loader, and prints one JSON object.

The tables are samples that were drawn apart: no lead of the leads' table is in an activity, and no campaign of an activity in the campaigns' table.
So a lead is whoever is in either, and a campaign is whatever an activity names.

The rules:

  qualified   every lead at 2020-05-11T00:00Z, while activities go on.
  asset       an e-mail that was opened or clicked: its name as the activity tells it (hashed), on its day.
  page        a link that was clicked, by the last part of its path (an address is no name), on its day. Marketo does not measure how long it was read.
  return      a click on a page that the same lead had clicked before.
  response    a campaign one of whose e-mails the lead clicked; one that only sent or delivered is no response.
  reach       "unsubscribed" before "bounced" before "ok".
  profile     full: reach is ok, a page was clicked, and two assets or more were seen, at any time. none: reach is not ok. partial: all else.
  counted     assets, pages and returns from the 90 days before the qualification, days as their midnight in UTC.
  words       Nobody's words are in the data. Who clicked gets them, the playbook (Tier B) and the promise (72 hours) as constants, as if a
              person had written them.

  source      is filled where there is a response and a counted asset; behaviour where there is a counted page and the words;
  icp_match   wherever the profile judges, which is everywhere; buying_trigger, motion, first_touch where there are the words.
  complete    is who has all six. Nobody of the receiving team touches anybody in these tables: e-mails are the sender's.
"""

import csv
import json
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

QUALIFIED = datetime(2020, 5, 11)
WORDS = {
    "narrative": "Came back by e-mail and read on, several times in one week",
    "hypothesis": "They compare pipelines because their own breaks every month",
    "confidence": "Low",
    "playbook": "Tier B",
    "hours": "72",
}


def lines(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def page(link):
    path = link.split("://")[-1].split("?")[0].split("/")[1:]
    return next((part for part in reversed(path) if part), "front page")[:80]


def main():
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    activity = lambda kind: lines(source / f"marketo_activity_{kind}_data.csv")
    clicks, opens = activity("click_email"), activity("open_email")
    sends, delivered = activity("send_email"), activity("email_delivered")
    unsubscribed = {row["lead_id"] for row in activity("unsubscribe_email")}
    bounced = {row["lead_id"] for row in activity("email_bounced")}
    at = lambda row: datetime.fromisoformat(row["activity_date"])

    everybody = {row["id"] for row in lines(source / "marketo_lead_data.csv")}
    for kind in ("change_data_value", "delete_lead", "merge_leads"):
        everybody |= {row["lead_id"] for row in activity(kind)}
    for rows in (clicks, opens, sends, delivered):
        everybody |= {row["lead_id"] for row in rows}
    everybody |= unsubscribed | bounced
    clicked = {row["lead_id"] for row in clicks}
    first = {}
    for row in sorted(clicks, key=at):
        first.setdefault(row["lead_id"], row["campaign_id"])

    reach = lambda lead: "unsubscribed" if lead in unsubscribed else "bounced" if lead in bounced else "ok"
    write(target / "leads.csv", [
        {"lead": lead, "reach": reach(lead), "converting": first.get(lead, ""), "sdr": "sdr", "marketer": "marketer"}
        | {name: text if lead in clicked else "" for name, text in WORDS.items()}
        for lead in sorted(everybody)
    ])
    campaigns = {row["campaign_id"] for rows in (clicks, sends, delivered) for row in rows}
    write(target / "campaigns.csv", [{"campaign": campaign} for campaign in sorted(campaigns)])
    responded = {(row["campaign_id"], row["lead_id"]) for row in clicks}
    sent = {(row["campaign_id"], row["lead_id"]) for rows in (sends, delivered) for row in rows} - responded
    write(target / "members.csv", [
        {"campaign": campaign, "lead": lead, "status": status}
        for status, pairs in (("Responded", responded), ("Sent", sent))
        for campaign, lead in sorted(pairs)
    ])
    made, before = [], set()
    for row in sorted(opens + clicks, key=lambda row: (at(row), row["id"])):
        day = str(at(row).date())
        asset = row["primary_attribute_value"][:80]
        made.append({"lead": row["lead_id"], "kind": "Asset", "title": asset, "day": day, "again": "false"})
        if "link" in row:
            seen = (row["lead_id"], page(row["link"]))
            again = str(seen in before).lower()
            made.append({"lead": row["lead_id"], "kind": "Page", "title": seen[1], "day": day, "again": again})
            before.add(seen)
    write(target / "activities.csv", made)
    write(target / "sends.csv", [
        {"lead": row["lead_id"], "at": str(at(row))[:19], "marketer": "marketer"}
        for row in sends
        if row["action_result"] == "succeeded"
    ])

    # From here on only the tables are looked at, not what was written.
    truth, counted = {}, lambda row: QUALIFIED - timedelta(days=90) <= datetime.combine(at(row), datetime.min.time()) <= QUALIFIED
    by_lead = defaultdict(lambda: {"opens": [], "clicks": []})
    for name, rows in (("opens", opens), ("clicks", clicks)):
        for row in rows:
            by_lead[row["lead_id"]][name].append(row)
    for lead in everybody:
        own = by_lead[lead]
        links = [(at(row), page(row["link"]), row) for row in own["clicks"]]
        returns = [row for when, link, row in links if any(
            other == link and (then, them["id"]) < (when, row["id"]) for then, other, them in links
        )]
        assets = sum(map(counted, own["opens"] + own["clicks"]))
        pages = sum(map(counted, own["clicks"]))
        fits = [bool(links), len(own["opens"]) + len(links) >= 2]
        profile = "None" if lead in unsubscribed or lead in bounced else "Full" if all(fits) else "Partial"
        wordless = not links
        missing = {
            "source": not (links and assets), "behaviour": not pages or wordless,
            "buying_trigger": wordless, "motion": wordless, "first_touch": wordless,
        }
        truth[lead] = {
            "assets": assets, "pages": pages, "returns": sum(map(counted, returns)), "profile": profile,
            "missing": sorted(key for key, value in missing.items() if value),
        }
    profiles = [one["profile"] for one in truth.values()]
    print(json.dumps({
        "leads": truth,
        "complete": sorted(lead for lead, one in truth.items() if not one["missing"]),
        "profiles": {name: profiles.count(name) for name in ("Full", "Partial", "None")},
        "campaigns": len(campaigns), "members": len(responded | sent), "activities": len(made),
        "sends": sum(row["action_result"] == "succeeded" for row in sends),
    }))


main()
