//! Who acts: users by id, and ourselves.

use handoff_connector::{ActingUser, Exchange, Fault, Lane, Reply, Request, Step};
use serde_json::Value;

use crate::id::SfId;
use crate::query::{Queries, Retry};
use crate::spec::{READ_BATCH, UNCHARGED};
use crate::{Api, composite, error, row, soql};

/// The conversation behind [`handoff_connector::Source::users`].
pub(crate) struct Users {
    api: Api,
    batches: Vec<Vec<SfId>>,
    queries: Queries,
}

impl Users {
    pub(crate) fn new(api: Api, ids: &[SfId]) -> Self {
        let batches: Vec<Vec<SfId>> = ids.chunks(READ_BATCH).map(<[SfId]>::to_vec).collect();
        let urls = batches.iter().map(|ids| url(&api, ids, Some("Profile.Name"))).collect();
        Self { batches, queries: Queries::new(urls, "users"), api }
    }
}

fn url(api: &Api, ids: &[SfId], profile: Option<&str>) -> String {
    const COLUMNS: [&str; 6] = ["Id", "Username", "Email", "Name", "IsActive", "UserType"];
    let select = soql::select(COLUMNS.into_iter().chain(profile), "User");
    soql::url(&api.base, "query", &format!("{select} WHERE Id IN {} ORDER BY Id", soql::ids(ids)))
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
            let plain = batches.get(at).map(|ids| url(api, ids, None)).filter(|plain| plain != asked);
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
