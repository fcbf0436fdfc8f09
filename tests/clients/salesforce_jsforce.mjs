// jsforce 3.10.16 against the sandbox. Exits non-zero when anything differs from what it expects.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";

const base = process.argv[2].replace(/\/$/, "");
const modules = process.env.NODE_MODULES_DIR ?? path.join(path.dirname(new URL(import.meta.url).pathname), "node_modules");
const jsforce = createRequire(path.join(modules, "x.js"))("jsforce");

const oauth2 = { loginUrl: base, clientId: "sandbox-consumer-key", clientSecret: "sandbox-consumer-secret" };

async function control(where, body = {}) {
  const answer = await fetch(`${base}/_sandbox/${where}`, { method: "POST", body: JSON.stringify(body) });
  assert.equal(answer.status, 200, `${where}: ${await answer.clone().text()}`);
  return answer.json();
}

function connection() {
  return new jsforce.Connection({
    loginUrl: base, instanceUrl: base, version: "62.0", oauth2, callOptions: { client: "jsforce-check" },
  });
}

await control("reset");
const conn = connection();
await conn.authorize({ grant_type: "client_credentials" });
assert.equal(conn.instanceUrl, base);
const me = await conn.identity();
assert.match(me.user_id, /^005/);

// Password and SOAP log-ins.
const byPassword = connection();
await byPassword.login("sysadmin@northwind-peak.example", "sandbox-password");
assert.ok(byPassword.accessToken);
const bySoap = new jsforce.Connection({ loginUrl: base, instanceUrl: base, version: "62.0" });
await bySoap.login("sysadmin@northwind-peak.example", "sandbox-password");
assert.ok(bySoap.accessToken);

// Query with paging.
await control("objects", { name: "Sample__c", fields: [
  { name: "Name", type: "string", name_field: true },
  { name: "Key__c", type: "string", external_id: true, unique: true },
  { name: "Size__c", type: "int" },
] });
for (let start = 0; start < 450; start += 150) {
  const rows = Array.from({ length: 150 }, (_, at) => ({ Name: `s${start + at}`, Key__c: `k${start + at}`, Size__c: at }));
  const saved = await conn.sobject("Sample__c").create(rows);
  assert.ok(saved.every((row) => row.success), JSON.stringify(saved[0]));
}
const first = await conn.query("SELECT Id, Name FROM Sample__c ORDER BY Key__c", {
  autoFetch: false, headers: { "Sforce-Query-Options": "batchSize=200" },
});
assert.equal(first.totalSize, 450);
assert.equal(first.done, false);
let page = first;
const seen = new Set(first.records.map((row) => row.Id));
while (!page.done) {
  page = await conn.queryMore(page.nextRecordsUrl);
  page.records.forEach((row) => seen.add(row.Id));
}
assert.equal(seen.size, 450);

// Describe.
const described = await conn.sobject("Opportunity").describe();
assert.ok(described.fields.some((field) => field.name === "StageName" && field.picklistValues.length >= 10));
assert.ok(described.childRelationships.some((child) => child.relationshipName === "OpportunityContactRoles"));
assert.ok((await conn.describeGlobal()).sobjects.some((found) => found.name === "OpportunityStage"));

// One row.
const made = await conn.sobject("Account").create({ Name: "jsforce check" });
assert.equal(made.success, true);
await conn.sobject("Account").update({ Id: made.id, Website: "https://example.invalid" });
assert.equal((await conn.sobject("Account").retrieve(made.id)).Website, "https://example.invalid");
await assert.rejects(
  () => conn.sobject("Opportunity").create({ Name: "no stage" }),
  (error) => error.errorCode === "REQUIRED_FIELD_MISSING",
);

// A batch in which one row fails; then the same, all or none.
const ids = [...seen].slice(0, 3);
const broken = ids.map((Id, at) => ({ Id, Size__c: at === 1 ? "x" : 99 }));
const results = await conn.sobject("Sample__c").update(broken);
assert.deepEqual(results.map((row) => row.success), [true, false, true]);
const rolledBack = await conn.sobject("Sample__c").update(broken, { allOrNone: true });
assert.deepEqual(rolledBack.map((row) => row.success), [false, false, false]);
assert.equal(rolledBack[0].errors[0].statusCode, "ALL_OR_NONE_OPERATION_ROLLED_BACK");

// Retrieve and delete many, upsert one and many.
const rows = await conn.sobject("Sample__c").retrieve(ids);
assert.deepEqual(rows.map((row) => row.Id), ids);
const upserted = await conn.sobject("Sample__c").upsert({ Key__c: "fresh", Name: "fresh" }, "Key__c");
assert.equal(upserted.success, true);
const many = await conn.sobject("Sample__c").upsert([{ Key__c: "fresh", Name: "a" }, { Key__c: "new", Name: "b" }], "Key__c");
assert.deepEqual(many.map((row) => row.success), [true, true]);
const gone = await conn.sobject("Sample__c").destroy(ids);
assert.ok(gone.every((row) => row.success));

// Replication.
const now = new Date((await (await fetch(`${base}/_sandbox/clock`)).json()).now);
await control("clock", { advance_seconds: 120 });
const start = new Date(now.getTime() - 30 * 60_000).toISOString();
const end = new Date(now.getTime() + 120_000).toISOString();
const updated = await conn.sobject("Sample__c").updated(start, end);
assert.equal(updated.ids.length, 449);
const deleted = await conn.sobject("Sample__c").deleted(start, end);
assert.equal(deleted.deletedRecords.length, 3);

// Limits.
const limits = await conn.limits();
assert.ok(limits.DailyApiRequests.Remaining < limits.DailyApiRequests.Max);
assert.ok(conn.limitInfo.apiUsage.used > 0);

// The org knows who wrote.
const writes = await (await fetch(`${base}/_sandbox/writes`)).json();
assert.ok(writes.some((write) => write.client === "jsforce-check" && write.object === "Sample__c"));

// An expired session.
const bare = new jsforce.Connection({ instanceUrl: base, accessToken: conn.accessToken, version: "62.0" });
await control("tokens/kill");
await assert.rejects(
  () => bare.query("SELECT Id FROM Account LIMIT 1"),
  (error) => error.errorCode === "INVALID_SESSION_ID",
);
console.log("jsforce: ok");
