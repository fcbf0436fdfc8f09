//! Who acts: users by id or login, and ourselves.

use handoff_connector::{ActingUser, Exchange, Fault, Lane, Reply, Request, Step};
use serde_json::Value;

use crate::id::SfId;
use crate::query::{Queries, Retry};
use crate::spec::{READ_BATCH, UNCHARGED};
use crate::{Api, composite, error, row, soql};

/// The conversation behind [`handoff_connector::Source::users`].
pub(crate) struct Users {
    api: Api,
    /// What is asked of each batch, as a condition.
    batches: Vec<String>,
    queries: Queries,
}

impl Users {
    pub(crate) fn new(api: Api, ids: &[SfId]) -> Self {
        Self::asked(api, ids.chunks(READ_BATCH).map(|ids| format!("Id IN {}", soql::ids(ids))).collect())
    }

    /// By e-mail address or user name.
    pub(crate) fn by_login(api: Api, logins: &[String]) -> Self {
        let condition = |logins: &[String]| {
            let logins = soql::list(logins.iter().map(|login| login.trim()));
            format!("(Email IN {logins} OR Username IN {logins})")
        };
        // Every login is asked for twice.
        Self::asked(api, logins.chunks(READ_BATCH / 2).map(condition).collect())
    }

    fn asked(api: Api, batches: Vec<String>) -> Self {
        let urls = batches.iter().map(|condition| url(&api, condition, Some("Profile.Name"))).collect();
        Self { batches, queries: Queries::new(urls, "users"), api }
    }
}

fn url(api: &Api, condition: &str, profile: Option<&str>) -> String {
    const COLUMNS: [&str; 6] = ["Id", "Username", "Email", "Name", "IsActive", "UserType"];
    let select = soql::select(COLUMNS.into_iter().chain(profile), "User");
    soql::url(&api.base, "query", &format!("{select} WHERE {condition} ORDER BY Id"))
}

fn user(one: &Value) -> Result<ActingUser, Fault> {
    let id = row::own_id(one)?;
    let filled = |name| row::text(one, name).filter(|text| !text.trim().is_empty());
    // The person behind several logins is known by the e-mail address; one without an address by the login.
    let login = filled("Email").or_else(|| filled("Username")).unwrap_or_else(|| id.as_str().to_owned());
    let profile = filled("Profile.Name").unwrap_or_default().to_lowercase();
    let standard = row::text(one, "UserType").as_deref() == Some("Standard");
    Ok(ActingUser {
        login: login.trim().to_lowercase(),
        name: filled("Name").unwrap_or_default(),
        active: row::flag(one, "IsActive"),
        machine: !standard || profile.contains("api only") || profile.contains("integration"),
        id: id.as_str().to_owned(),
    })
}

impl Exchange for Users {
    type Output = Vec<ActingUser>;

    fn request(&mut self) -> Request {
        self.queries.request(&self.api, Lane::Read)
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        let (api, batches) = (&self.api, &self.batches);
        let finished = self.queries.reply(reply, |at, asked, answer| {
            // Our user may not see profiles; then only the licence type tells a machine.
            let hidden = error::errors(&answer.body)
                .iter()
                .filter_map(error::missing_column)
                .any(|column| column.eq_ignore_ascii_case("Profile"));
            let plain =
                batches.get(at).map(|condition| url(api, condition, None)).filter(|plain| plain != asked);
            match plain {
                Some(plain) if hidden => Retry::With(plain),
                _ => Retry::Fail(answer.fault()),
            }
        })?;
        if !finished {
            return Ok(Step::Continue);
        }
        let rows = (0..self.batches.len()).filter_map(|at| self.queries.take(at)).flatten();
        let users: Result<Vec<ActingUser>, Fault> = rows.map(|one| user(&one)).collect();
        users.map(Step::Done)
    }
}

/// The conversation behind [`handoff_connector::Source::whoami`].
pub(crate) struct WhoAmI {
    pub(crate) org: SfId,
}

impl Exchange for WhoAmI {
    type Output = String;

    fn request(&mut self) -> Request {
        composite::get("/services/oauth2/userinfo".to_owned(), Lane::Read, UNCHARGED, "whoami")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<String>, Fault> {
        let body = error::body(reply)?;
        let shape = |what: &str| Fault::Protocol { detail: format!("userinfo without a valid {what}") };
        let org = row::id(&body, "organization_id").ok_or_else(|| shape("organization_id"))?;
        if org != self.org {
            return Err(Fault::Denied {
                detail: "the session belongs to another Salesforce org than the configured one".to_owned(),
                remedy: "Correct org_id of this connection, or log in to the right org".to_owned(),
            });
        }
        let user = row::id(&body, "user_id").ok_or_else(|| shape("user_id"))?;
        Ok(Step::Done(user.as_str().to_owned()))
    }
}
