// @hubspot/api-client 13.5.0 against the sandbox. Exits non-zero when anything differs from what it expects.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import http from "node:http";
import path from "node:path";

const base = process.argv[2].replace(/\/$/, "");
const modules = process.env.NODE_MODULES_DIR ?? path.join(path.dirname(new URL(import.meta.url).pathname), "node_modules");
const { Client, Signature } = createRequire(path.join(modules, "x.js"))("@hubspot/api-client");
const accessToken = "pat-na1-11111111-2222-4333-8444-sandboxsvckey";
const clientId = "5a6d7e8f-sandbox-client";
const clientSecret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
const person = "ava.lindqvist@northwind-peak.example";

async function control(where, body = {}) {
  const answer = await fetch(`${base}/_sandbox/${where}`, { method: "POST", body: JSON.stringify(body) });
  assert.equal(answer.status, 200, `${where}: ${await answer.clone().text()}`);
  return answer.json();
}

/** Ids of the deals that the sandbox itself knows. */
async function known() {
  return (await fetch(`${base}/_sandbox/ids/deals`)).json();
}

async function refused(code, work) {
  try {
    await work();
  } catch (error) {
    assert.equal(error.code, code, String(error));
    return error;
  }
  assert.fail(`status ${code} expected`);
}

await control("reset");
const client = new Client({ accessToken, basePath: base, numberOfApiCallRetries: 0 });
const deals = client.crm.deals;

// List, create, update, history.
const sorted = (ids) => ids.map(Number).sort((one, other) => one - other);
const every = await deals.getAll(undefined, undefined, ["dealname"]);
assert.deepEqual(sorted(every.map((deal) => deal.id)), sorted(await known()));
const made = await deals.basicApi.create({ properties: { dealname: "by node", amount: "12" }, associations: [] });
await deals.basicApi.update(made.id, { properties: { dealstage: "closedwon" } });
const read = await deals.basicApi.getById(made.id, ["hs_next_step", "hs_is_closed_won"], ["dealstage"]);
assert.equal(read.properties.hs_next_step, null);
assert.equal(read.properties.hs_is_closed_won, "true");
assert.deepEqual(read.propertiesWithHistory.dealstage.map((entry) => entry.value), ["closedwon", "appointmentscheduled"]);
assert.equal(read.propertiesWithHistory.dealstage[0].sourceId, "2100001");

// Search with paging, and the end of it.
const wish = {
  filterGroups: [{ filters: [{ propertyName: "hs_object_id", operator: "GT", value: "0" }] }],
  sorts: ["hs_lastmodifieddate"], properties: ["dealname"], limit: 30, after: "0",
};
const first = await deals.searchApi.doSearch(wish);
const total = (await known()).length;
assert.deepEqual([first.total, first.results.length], [total, 30]);
const second = await deals.searchApi.doSearch({ ...wish, after: first.paging.next.after });
assert.equal(second.results.length, total - 30);
await refused(400, () => deals.searchApi.doSearch({ ...wish, after: "10000" }));

// Batches.
const ids = first.results.slice(0, 3).map((deal) => deal.id);
const batch = await deals.batchApi.read({
  inputs: ids.map((id) => ({ id })), properties: ["amount"], propertiesWithHistory: ["dealstage"],
});
assert.equal(batch.results.length, 3);
const partial = await deals.batchApi.update({
  inputs: [{ id: ids[0], properties: { amount: "77" } }, { id: "41", properties: { amount: "1" } }],
});
assert.equal(partial.numErrors, 1);
assert.deepEqual(partial.errors[0].context.ids, ["41"]);

// Settings.
const pipelines = await client.crm.pipelines.pipelinesApi.getAll("deals");
assert.equal(pipelines.results[0].stages[5].metadata.probability, "1.0");
const owners = await client.crm.owners.ownersApi.getPage(person);
assert.equal(owners.results.length, 1);
const dated = await client.apiRequest({ method: "GET", path: "/crm/objects/2026-09/deals?limit=2" });
assert.equal((await dated.json()).results.length, 2);

// OAuth.
const { code } = await control("authorize", { client_id: clientId, user: person });
const anonymous = new Client({ basePath: base });
const token = await anonymous.oauth.tokensApi.create(
  "authorization_code", code, "http://localhost/cb", clientId, clientSecret,
);
assert.equal(token.expiresIn, 1800);
const fresh = await anonymous.oauth.tokensApi.create(
  "refresh_token", undefined, undefined, clientId, clientSecret, token.refreshToken,
);
const installed = new Client({ accessToken: fresh.accessToken, basePath: base });
assert.equal((await installed.crm.deals.basicApi.getPage(1)).results.length, 1);
await refused(401, () => new Client({ accessToken: "nobody", basePath: base }).crm.owners.ownersApi.getPage());

// Rate limits: the client's own waiting.
await control("faults", { on: { kind: "owners" }, times: 1, do: "search_limit" });
await refused(429, () => client.crm.owners.ownersApi.getPage());
await control("faults", { on: { kind: "owners" }, times: 1, do: "search_limit" });
const patient = new Client({ accessToken, basePath: base, numberOfApiCallRetries: 3 });
assert.ok((await patient.crm.owners.ownersApi.getPage()).results.length > 0);

// Webhooks: signed as the official verifier signs.
const arrived = new Promise((resolve) => {
  const server = http.createServer((request, answer) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      answer.end();
      server.close();
      resolve({ headers: request.headers, body });
    });
  });
  server.listen(0, "127.0.0.1", async () => {
    const url = `http://127.0.0.1:${server.address().port}/hook?a=1`;
    await control("webhooks", {
      target: { url, secret: clientSecret, app_id: 2100003 },
      subscriptions: [{ subscriptionType: "deal.propertyChange", propertyName: "amount" }],
    });
    await deals.basicApi.update(ids[1], { properties: { amount: "4711" } });
  });
});
const { headers, body } = await arrived;
const url = `http://${headers.host}/hook?a=1`;
const expected = Signature.getSignature("POST", "v3", {
  clientSecret, requestBody: body, url, httpMethod: "POST", timestamp: Number(headers["x-hubspot-request-timestamp"]),
});
assert.equal(headers["x-hubspot-signature-v3"], expected);
assert.equal(JSON.parse(body)[0].propertyValue, "4711");

console.log("@hubspot/api-client: ok");
