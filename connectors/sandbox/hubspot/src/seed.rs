//! What the portal holds when it starts: its people, its pipelines, its tokens, and a believable company.

mod company;
mod hand;
mod journey;

use handoff_sandbox_host::fiction::{ADMIN, PEOPLE, Team};

use crate::{
    Error,
    auth::{App, StaticToken},
    pipelines::{PipelineSpec, StageSpec},
    schema::{Group, PropertySpec},
    server::Seed,
    state::{State, User},
};

/// The portal's number.
pub const PORTAL_ID: u64 = 48_807_704;
/// A service key with every scope.
pub const SERVICE_KEY: &str = "pat-na1-11111111-2222-4333-8444-sandboxsvckey";
/// Number that history gives the service key's writes.
pub const SERVICE_KEY_APP: u64 = 2_100_001;
/// Token of a private app with every scope.
pub const PRIVATE_APP_TOKEN: &str = "pat-na1-55555555-6666-4777-8888-sandboxprivate";
/// Number of the private app.
pub const PRIVATE_APP: u64 = 2_100_002;
/// Client id of the OAuth app that every sandbox has.
pub const CLIENT_ID: &str = "5a6d7e8f-sandbox-client";
/// Its secret, also the key of webhook signatures. It protects nothing: the sandbox listens on loopback only.
pub const CLIENT_SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
/// Number of the OAuth app.
pub const OAUTH_APP: u64 = 2_100_003;
/// E-mail address of the super admin.
pub const ADMIN_USER: &str = ADMIN;
/// Number that history gives the changes of workflows.
pub const WORKFLOW: u64 = 558_001_234;
/// Id of the second sales pipeline, whose stage ids are numbers.
pub const RENEWALS: &str = "75410001";

/// Every scope the sandbox knows.
pub(crate) const SCOPES: [&str; 33] = [
    "oauth",
    "tickets",
    "sales-email-read",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.owners.read",
    "crm.objects.feedback_submissions.read",
    "crm.objects.custom.read",
    "crm.objects.custom.write",
    "crm.objects.leads.read",
    "crm.objects.leads.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
    "crm.schemas.custom.read",
    "crm.schemas.custom.write",
    "crm.schemas.leads.read",
    "crm.dealsplits.read_write",
    "crm.pipelines.governance.read",
    "crm.pipelines.governance.write",
    "crm.pipelines.approval.read",
    "crm.pipelines.approval.write",
    "crm.pipelines.stage_permissions.read",
    "crm.pipelines.stage_permissions.write",
    "crm.lists.read",
    "account-info.security.read",
];

macro_rules! deployed {
    ($path:literal) => {
        include_str!(concat!("../../../../deploy/hubspot/", $path))
    };
}

/// Shipped property definitions, a list of `POST /properties/<object>` bodies each.
const PROPERTIES: [(&str, &str); 5] = [
    ("contacts", deployed!("properties/contacts.json")),
    ("companies", deployed!("properties/companies.json")),
    ("deals", deployed!("properties/deals.json")),
    ("tickets", deployed!("properties/tickets.json")),
    ("tasks", deployed!("properties/tasks.json")),
];
/// Shipped custom objects, a `POST /schemas` body each; later ones are linked to earlier ones.
const SCHEMAS: [&str; 4] = [
    deployed!("schemas/onboarding.json"),
    deployed!("schemas/feature_usage.json"),
    deployed!("schemas/training_attendance.json"),
    deployed!("schemas/touchpoint.json"),
];
/// Shipped pipelines, a `POST /pipelines/<object>` body each.
const PIPELINES: [(&str, &str); 3] = [
    ("deals", deployed!("pipelines/deals.json")),
    ("tickets", deployed!("pipelines/tickets.json")),
    ("p_onboarding", deployed!("pipelines/p_onboarding.json")),
];
const GROUP: &str = deployed!("group.json");
const LABELS: &str = deployed!("association-labels.json");

/// The shipped property definitions of an object: a JSON list of `POST /properties/<object>` bodies; `[]` when nothing ships for it.
pub fn shipped_properties(object: &str) -> &'static str {
    PROPERTIES.iter().find(|(name, _)| *name == object).map_or("[]", |(_, text)| text)
}

/// The pipelines that every portal has, and a second one for deals.
pub(crate) fn pipelines(state: &mut State) {
    let deal = StageSpec::deal;
    let sales = PipelineSpec::new(
        "default",
        "Sales Pipeline",
        vec![
            deal("appointmentscheduled", "Appointment Scheduled", "0.2", false),
            deal("qualifiedtobuy", "Qualified To Buy", "0.4", false),
            deal("presentationscheduled", "Presentation Scheduled", "0.6", false),
            deal("decisionmakerboughtin", "Decision Maker Bought-In", "0.8", false),
            deal("contractsent", "Contract Sent", "0.9", false),
            deal("closedwon", "Closed Won", "1.0", true),
            deal("closedlost", "Closed Lost", "0.0", true),
        ],
    );
    let renewals = PipelineSpec::new(
        RENEWALS,
        "Renewals",
        vec![
            deal("75410011", "Renewal due", "0.5", false),
            deal("75410012", "Offer sent", "0.8", false),
            deal("75410013", "Renewed", "1.0", true),
            deal("75410014", "Churned", "0.0", true),
        ],
    );
    let support = PipelineSpec::new(
        "0",
        "Support Pipeline",
        vec![
            StageSpec::ticket("1", "New", "OPEN"),
            StageSpec::ticket("2", "Waiting on contact", "OPEN"),
            StageSpec::ticket("3", "Waiting on us", "OPEN"),
            StageSpec::ticket("4", "Closed", "CLOSED"),
        ],
    );
    let leads = PipelineSpec::new(
        "lead-pipeline-id",
        "Lead pipeline",
        ["new", "attempting", "connected", "qualified", "unqualified"]
            .map(|stage| StageSpec {
                id: format!("{stage}-stage-id"),
                label: stage.to_owned(),
                display_order: 0,
                metadata: std::collections::BTreeMap::new(),
                archived: false,
            })
            .to_vec(),
    );
    for (object, pipeline) in [("deals", sales), ("deals", renewals), ("tickets", support), ("leads", leads)]
    {
        if let Some(object) = state.schema.find(object) {
            state.put_pipeline(object, pipeline);
        }
    }
}

/// Plants people, tokens and apps; then what `seed` asks for.
pub(crate) fn plant(state: &mut State, seed: Seed) -> Result<(), Error> {
    let now = state.now();
    let admin = ("Sam", "Okafor", ADMIN, None, true);
    let people = PEOPLE.iter().map(|person| {
        let team = match person.team {
            Team::Sales => (301, "Sales"),
            Team::Development => (302, "Sales Development"),
            Team::Onboarding => (303, "Onboarding"),
            Team::Success => (304, "Customer Success"),
            Team::Finance => (305, "Finance"),
        };
        (person.first, person.last, person.username, Some((team.0, team.1.to_owned())), false)
    });
    for (number, (first, last, email, team, super_admin)) in
        (1_u64..).zip(std::iter::once(admin).chain(people))
    {
        let id = 7_100_000 + number;
        let user = User {
            id,
            // Owner ids and user ids are different numbers: whoever mixes them up finds nobody.
            owner: 51_200_000 + number * 7,
            email: email.to_owned(),
            first: first.to_owned(),
            last: last.to_owned(),
            team,
            super_admin,
            active: true,
            created: now,
            updated: now,
        };
        state.users.insert(id, user);
    }
    for (token, app_id, name) in
        [(SERVICE_KEY, SERVICE_KEY_APP, "handoffd"), (PRIVATE_APP_TOKEN, PRIVATE_APP, "handoffd private app")]
    {
        state.put_token(&StaticToken {
            token: token.to_owned(),
            app_id,
            name: name.to_owned(),
            scopes: Vec::new(),
            user: None,
        })?;
    }
    let app = App {
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
        app_id: OAUTH_APP,
        name: "handoffd app".to_owned(),
        redirect_uri: None,
        scopes: Vec::new(),
        rotate_refresh_tokens: false,
    };
    state.sessions.apps.insert(app.client_id.clone(), app);
    match seed {
        Seed::Empty => Ok(()),
        Seed::Company => company::plant(state).and_then(|()| journey::plant(state)),
    }
}

fn broken(error: &serde_json::Error) -> Error {
    Error::Definitions { detail: error.to_string() }
}

/// Installs property definitions: a JSON list of bodies of `POST /properties/<object>`.
pub(crate) fn install(state: &mut State, object: &str, text: &str) -> Result<(), Error> {
    let specs: Vec<PropertySpec> = serde_json::from_str(text).map_err(|error| broken(&error))?;
    let now = state.now();
    let object = state.object(object)?;
    let Some(kind) = state.schema.objects.get_mut(object) else { return Ok(()) };
    for mut spec in specs {
        (spec.created_at, spec.updated_at) = (now, now);
        kind.put(spec);
    }
    Ok(())
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Labelled {
    from: String,
    to: String,
    label: String,
    #[serde(default)]
    inverse_label: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grouped {
    name: String,
    label: String,
    display_order: i64,
}

/// Installs what ships: group, properties, custom objects, pipelines, association labels.
pub(crate) fn install_shipped(state: &mut State) -> Result<(), Error> {
    for (object, text) in PROPERTIES {
        let group: Grouped = serde_json::from_str(GROUP).map_err(|error| broken(&error))?;
        let place = state.object(object)?;
        if let Some(kind) = state.schema.objects.get_mut(place) {
            kind.groups.insert(group.name, Group { label: group.label, display_order: group.display_order });
        }
        install(state, object, text)?;
    }
    let labels: Vec<Labelled> = serde_json::from_str(LABELS).map_err(|error| broken(&error))?;
    let (later, now): (Vec<_>, Vec<_>) = labels.into_iter().partition(|one| one.from.starts_with("p_"));
    add_labels(state, now)?;
    for text in SCHEMAS {
        let wish = serde_json::from_str(text).map_err(|error| broken(&error))?;
        state.put_schema(wish).map_err(Error::Refused)?;
    }
    add_labels(state, later)?;
    for (object, text) in PIPELINES {
        let pipeline: PipelineSpec = serde_json::from_str(text).map_err(|error| broken(&error))?;
        let object = state.object(object)?;
        state.put_pipeline(object, pipeline);
    }
    Ok(())
}

fn add_labels(state: &mut State, labels: Vec<Labelled>) -> Result<(), Error> {
    for one in labels {
        let (from, to) = (state.object(&one.from)?, state.object(&one.to)?);
        state.links.add_label(from, to, &one.label, one.inverse_label.as_deref());
    }
    Ok(())
}
