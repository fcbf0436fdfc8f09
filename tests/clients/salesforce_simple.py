"""simple-salesforce 1.12.10 against the sandbox. Exits non-zero when anything differs from what it expects."""

import datetime
import sys
import urllib.parse

import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

BASE = sys.argv[1].rstrip("/")
CLIENT_ID = "sandbox-consumer-key"
CLIENT_SECRET = "sandbox-consumer-secret"


class Loopback(requests.Session):
    """The library hard-codes https; every request goes to the sandbox instead."""

    def request(self, method, url, **kwargs):
        parts = urllib.parse.urlsplit(url)
        path = parts.path + (("?" + parts.query) if parts.query else "")
        return super().request(method, BASE + path, **kwargs)


def control(path, body=None):
    answer = requests.post(f"{BASE}/_sandbox/{path}", json=body or {}, timeout=10)
    assert answer.status_code == 200, (path, answer.status_code, answer.text)
    return answer.json()


def connect():
    return Salesforce(
        consumer_key=CLIENT_ID,
        consumer_secret=CLIENT_SECRET,
        domain="acme.my",
        session=Loopback(),
        version="62.0",
    )


def refused(kind, work):
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} expected")


def log_in_by_soap():
    soap = Salesforce(
        username="sysadmin@northwind-peak.example",
        password="sandbox-password",
        security_token="",
        session=Loopback(),
        version="62.0",
    )
    assert soap.query("SELECT COUNT() FROM User")["totalSize"] >= 2


def main():
    control("reset")
    sf = connect()
    log_in_by_soap()

    # Query, with paging: two full pages of 200 and a rest.
    control("objects", {"name": "Probe__c", "fields": [
        {"name": "Name", "type": "string", "name_field": True},
        {"name": "Key__c", "type": "string", "external_id": True, "unique": True},
        {"name": "Size__c", "type": "currency"},
    ]})
    for start in range(0, 450, 150):
        rows = [
            {"attributes": {"type": "Probe__c"}, "Name": f"p{n}", "Key__c": f"k{n}", "Size__c": n + 0.5}
            for n in range(start, start + 150)
        ]
        saved = sf.restful("composite/sobjects", method="POST", json={"allOrNone": False, "records": rows})
        assert all(row["success"] for row in saved), saved[:2]
    sf.headers["Sforce-Query-Options"] = "batchSize=200"
    first = sf.query("SELECT Id, Name, Size__c FROM Probe__c ORDER BY Key__c")
    assert first["totalSize"] == 450 and not first["done"] and len(first["records"]) == 200
    everything = sf.query_all("SELECT Id, Name, Size__c FROM Probe__c ORDER BY Key__c")
    assert everything["done"] and len({row["Id"] for row in everything["records"]}) == 450
    assert isinstance(everything["records"][0]["Size__c"], float)

    # Describe.
    names = [field["name"] for field in sf.Opportunity.describe()["fields"]]
    assert "StageName" in names and "SystemModstamp" in names
    assert any(found["name"] == "Opportunity" for found in sf.describe()["sobjects"])
    assert sf.Opportunity.metadata()["objectDescribe"]["keyPrefix"] == "006"

    # Create, read, update, and a refused create.
    made = sf.Account.create({"Name": "Client check"})
    assert made["success"] and len(made["id"]) == 18
    assert sf.Account.update(made["id"], {"Website": "https://example.invalid"}) == 204
    assert sf.Account.get(made["id"])["Website"] == "https://example.invalid"
    error = refused(SalesforceMalformedRequest, lambda: sf.Opportunity.create({"Name": "no stage"}))
    assert error.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING", error.content
    refused(SalesforceResourceNotFound, lambda: sf.Account.get("001SB000000zzzz"))

    # A batch in which one row fails.
    ids = [row["Id"] for row in everything["records"][:3]]
    rows = [{"attributes": {"type": "Probe__c"}, "id": row, "Size__c": 7} for row in ids]
    rows[1]["Size__c"] = "not a number"
    results = sf.restful("composite/sobjects", method="PATCH", json={"allOrNone": False, "records": rows})
    assert [row["success"] for row in results] == [True, False, True], results
    assert results[1]["errors"][0]["statusCode"] == "JSON_PARSER_ERROR", results

    # Upsert by external id: created, then updated.
    assert sf.Probe__c.upsert("Key__c/fresh", {"Name": "fresh"}) == 201
    assert sf.Probe__c.upsert("Key__c/fresh", {"Name": "again"}) == 200
    assert sf.Probe__c.get_by_custom_id("Key__c", "fresh")["Name"] == "again"

    # Replication, and the bin.
    assert sf.Account.delete(made["id"]) == 204
    now = datetime.datetime.fromisoformat(requests.get(f"{BASE}/_sandbox/clock", timeout=10).json()["now"][:19])
    now = now.replace(tzinfo=datetime.timezone.utc)
    control("clock", {"advance_seconds": 120})
    start, end = now - datetime.timedelta(minutes=30), now + datetime.timedelta(minutes=2)
    assert len(sf.Probe__c.updated(start, end)["ids"]) == 451
    assert [row["id"] for row in sf.Account.deleted(start, end)["deletedRecords"]] == [made["id"]]
    assert sf.query(f"SELECT Id FROM Account WHERE Id = '{made['id']}'")["totalSize"] == 0
    binned = sf.query_all(f"SELECT Id, IsDeleted FROM Account WHERE Id = '{made['id']}'", include_deleted=True)
    assert binned["records"][0]["IsDeleted"] is True

    # Bulk 2.0 query.
    csv = "".join(sf.bulk2.Probe__c.query("SELECT Id, Name FROM Probe__c"))
    assert len(csv.strip().splitlines()) == 452, csv[:80]

    # Limits.
    limits = sf.limits()["DailyApiRequests"]
    assert limits["Remaining"] < limits["Max"]
    assert sf.api_usage["api-usage"].used > 0

    # An expired session: the library logs in again by itself once; a killed explicit session is an error.
    bare = Salesforce(session_id=sf.session_id, instance_url=BASE, session=Loopback(), version="62.0")
    control("tokens/kill")
    refused(SalesforceExpiredSession, lambda: bare.query("SELECT Id FROM Account LIMIT 1"))
    assert sf.query("SELECT Id FROM Account LIMIT 1")["done"]
    print("simple-salesforce: ok")


main()
