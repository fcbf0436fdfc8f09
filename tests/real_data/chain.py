"""Reads the Olist funnel (8,000 leads, 722 closed deals) and prints it as one chain of handoffs: 01 of every lead, 02 and 03 of every deal.

Usage: chain.py FUNNEL_DIRECTORY [--first N] [--truth]. With --first only the leads that were contacted first and those of the
deals in one_person and unlinked (see below), with their deals. Without --truth: one JSON object a line, in time order. The rules:

  lead   00:00Z on the day of the first contact: Marketing qualifies the lead. Its origin is the campaign, its landing page the only asset.
  sell   00:00Z on the day on which the deal was won, after the day's leads: the SDR (sdr_id) hands the lead to the sales representative (sr_id), as
         a deal in a working stage. The data say no earlier day. A lead that was contacted for the first time later has no lead record yet.
  win    the second in which the deal was won, with what the closed deals' file says of it. Nobody of onboarding is named.

With --truth it prints figures instead, counted from the same files and nowhere else:

  sourced  leads whose origin is told, by a word that is an answer ("unknown" and "other" are none); every lead has a landing page.
  filled   per deal the fields of handoff 03 that are filled. A text answers its question with at least 15 letters and digits; a name and a date
           with anything. displacement = business segment (name) + lead type and behaviour (text); expansion = business type, segment and lead
           type (text); go-live = won date (date) + behaviour (text). No other field has a column.
  one_person   deals whose SDR is their sales representative.
  unlinked     deals that were won on a day before their lead's first contact.
  Fields of handoff 02 have no column at all, and nobody accepts anything: no credit, no pay, every win passes handoff 03 by.
"""

import csv
import json
import sys
from datetime import datetime, timezone
from pathlib import Path


def lines(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def informs(text):
    return sum(each.isalnum() for each in text) >= 15


def texts(deal):
    return {
        "incumbent": deal["business_segment"],
        "sticky": f"{deal['lead_type']} {deal['lead_behaviour_profile']}".strip(),
        "growth": f"{deal['business_type']} {deal['business_segment']} {deal['lead_type']}".strip(),
        "anchor": deal["lead_behaviour_profile"],
    }


def filled(deal):
    says = texts(deal)
    found = {
        "displacement": bool(says["incumbent"]) and informs(says["sticky"]),
        "expansion": informs(says["growth"]),
        "go_live": bool(deal["won_date"]) and informs(says["anchor"]),
    }
    return sorted(key for key, value in found.items() if value)


def main():
    folder = Path(sys.argv[1])
    leads = lines(folder / "olist_marketing_qualified_leads_dataset.csv")
    deals = lines(folder / "olist_closed_deals_until_2018-06.csv")
    first = {row["mql_id"]: row["first_contact_date"] for row in leads}
    early = {deal["mql_id"] for deal in deals if deal["won_date"][:10] < first[deal["mql_id"]]}
    if "--first" in sys.argv:
        most = int(sys.argv[sys.argv.index("--first") + 1])
        leads.sort(key=lambda row: (row["first_contact_date"], row["mql_id"]))
        odd = early | {deal["mql_id"] for deal in deals if deal["sdr_id"] == deal["sr_id"]}
        leads = leads[:most] + [row for row in leads[most:] if row["mql_id"] in odd]
        kept = {row["mql_id"] for row in leads}
        deals = [deal for deal in deals if deal["mql_id"] in kept]
    if "--truth" in sys.argv:
        people = {deal[role] for deal in deals for role in ("sdr_id", "sr_id")}
        print(json.dumps({
            "leads": len(leads),
            "deals": len(deals),
            "people": len(people),
            "sourced": sum(row["origin"] not in ("", "unknown", "other") for row in leads),
            "filled": {deal["mql_id"]: filled(deal) for deal in deals},
            "one_person": sorted(deal["mql_id"] for deal in deals if deal["sdr_id"] == deal["sr_id"]),
            "unlinked": sorted(early),
        }))
        return
    second = lambda text: int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())
    steps = []
    for row in leads:
        at = second(row["first_contact_date"])
        steps.append((at, 0, row["mql_id"], {"origin": row["origin"], "page": row["landing_page_id"], "day": row["first_contact_date"]}))
    for deal in deals:
        name, won = deal["mql_id"], deal["won_date"]
        told = {"sdr": deal["sdr_id"], "sr": deal["sr_id"], "first": first[name], "linked": name not in early}
        steps.append((second(won[:10]), 1, name, told))
        steps.append((second(won), 2, name, texts(deal) | {"won": won[:10]}))
    steps.sort(key=lambda step: step[:3])
    for at, what, name, told in steps:
        print(json.dumps({"at": at, "what": ("lead", "sell", "win")[what], "name": name, "says": told}))


main()
