"""hubspot-api-client 12.0.0 against the sandbox. Exits non-zero when anything differs from what it expects."""

import sys

import requests
from hubspot import HubSpot
from hubspot.crm.deals import (
    BatchInputSimplePublicObjectBatchInput,
    BatchReadInputSimplePublicObjectId,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.deals.exceptions import ApiException
from hubspot.crm.owners.exceptions import ApiException as OwnersException
from urllib3.util.retry import Retry

BASE = sys.argv[1].rstrip("/")
TOKEN = "pat-na1-11111111-2222-4333-8444-sandboxsvckey"
CLIENT = {"client_id": "5a6d7e8f-sandbox-client", "client_secret": "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"}
PERSON = "ava.lindqvist@northwind-peak.example"


def control(path, body=None):
    answer = requests.post(f"{BASE}/_sandbox/{path}", json=body or {}, timeout=10)
    assert answer.status_code == 200, (path, answer.status_code, answer.text)
    return answer.json()


def deals():
    """Ids of the deals that the sandbox itself knows."""
    answer = requests.get(f"{BASE}/_sandbox/ids/deals", timeout=10)
    assert answer.status_code == 200, (answer.status_code, answer.text)
    return answer.json()


def connect(token=TOKEN, **options):
    return HubSpot(access_token=token, host=BASE, **options)


def refused(kind, status, work):
    try:
        work()
    except kind as error:
        assert error.status == status, (error.status, error.body)
        return error
    raise AssertionError(f"{kind.__name__} {status} expected")


def list_and_write(api):
    page = api.crm.deals.basic_api.get_page(limit=15, properties=["dealname", "amount"], archived=False)
    assert len(page.results) == 15 and page.paging.next.link.startswith(BASE)
    every = api.crm.deals.get_all(properties=["dealname"])
    assert sorted(int(deal.id) for deal in every) == sorted(deals())
    made = api.crm.deals.basic_api.create(
        SimplePublicObjectInputForCreate(properties={"dealname": "by python", "amount": "12"}, associations=[])
    )
    changed = api.crm.deals.basic_api.update(made.id, SimplePublicObjectInput(properties={"dealstage": "closedwon"}))
    assert changed.properties["dealstage"] == "closedwon"
    read = api.crm.deals.basic_api.get_by_id(
        made.id, properties=["hs_next_step", "hs_is_closed_won"], properties_with_history=["dealstage"]
    )
    assert read.properties["hs_next_step"] is None and read.properties["hs_is_closed_won"] == "true"
    stages = read.properties_with_history["dealstage"]
    assert [entry.value for entry in stages] == ["closedwon", "appointmentscheduled"]
    assert stages[0].source_type == "INTEGRATION" and stages[0].source_id == "2100001"
    api.crm.deals.basic_api.archive(made.id)
    refused(ApiException, 404, lambda: api.crm.deals.basic_api.get_by_id(made.id))


def search(api):
    found = api.crm.deals.search_api.do_search(
        PublicObjectSearchRequest(
            filter_groups=[{"filters": [{"propertyName": "hs_object_id", "operator": "GT", "value": "0"}]}],
            sorts=[{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}],
            properties=["dealname"],
            limit=30,
        )
    )
    assert (found.total, len(found.results), found.paging.next.after) == (len(deals()), 30, "30")
    error = refused(
        ApiException, 400, lambda: api.crm.deals.search_api.do_search(PublicObjectSearchRequest(limit=1, after="10000"))
    )
    assert "VALIDATION_ERROR" in error.body


def batches(api):
    ids = [deal.id for deal in api.crm.deals.basic_api.get_page(limit=3).results]
    read = api.crm.deals.batch_api.read(
        BatchReadInputSimplePublicObjectId(
            inputs=[{"id": id} for id in ids], properties=["amount"], properties_with_history=["dealstage"]
        )
    )
    assert len(read.results) == 3 and read.results[0].properties_with_history["dealstage"][0].value
    partial = api.crm.deals.batch_api.update(
        BatchInputSimplePublicObjectBatchInput(
            inputs=[{"id": ids[0], "properties": {"amount": "77"}}, {"id": "41", "properties": {"amount": "1"}}]
        )
    )
    assert type(partial).__name__ == "BatchResponseSimplePublicObjectWithErrors", type(partial)
    assert (partial.num_errors, partial.errors[0].context["ids"], len(partial.results)) == (1, ["41"], 1)


def settings(api):
    pipelines = api.crm.pipelines.pipelines_api.get_all("deals").results
    assert pipelines[0].stages[5].metadata == {"isClosed": "true", "probability": "1.0"}
    owners = api.crm.owners.owners_api.get_page(email=PERSON, archived=False).results
    assert len(owners) == 1 and owners[0].user_id != int(owners[0].id)
    properties = api.crm.properties.core_api.get_all("deals").results
    assert any(known.name == "handoff_commission_eligible" for known in properties)
    labels = api.crm.associations.v4.schema.definitions_api.get_all("deals", "contacts").results
    assert {known.label for known in labels} >= {None, "Economic Buyer", "Champion"}


def oauth():
    code = control("authorize", {"client_id": CLIENT["client_id"], "user": PERSON})["code"]
    tokens = HubSpot(host=BASE).oauth.tokens_api
    first = tokens.create(grant_type="authorization_code", code=code, redirect_uri="http://localhost/cb", **CLIENT)
    assert first.expires_in == 1800
    second = tokens.create(grant_type="refresh_token", refresh_token=first.refresh_token, **CLIENT)
    page = connect(second.access_token).crm.deals.basic_api.get_page(limit=1)
    assert len(page.results) == 1
    error = refused(OwnersException, 401, lambda: connect("nobody").crm.owners.owners_api.get_page())
    assert "INVALID_AUTHENTICATION" in error.body


def rate_limit():
    control("faults", {"on": {"kind": "owners"}, "times": 2, "do": "burst_limit"})
    refused(OwnersException, 429, lambda: connect().crm.owners.owners_api.get_page())
    retry = Retry(total=3, status_forcelist=(429,), backoff_factor=0.01)
    assert connect(retry=retry).crm.owners.owners_api.get_page().results


client = connect()
control("reset")
list_and_write(client)
control("reset")
search(client)
batches(client)
settings(client)
oauth()
rate_limit()
print("hubspot-api-client: ok")
