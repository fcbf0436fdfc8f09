//! Who acts: owners and users by the owners endpoint, machines by their name, and ourselves.

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{ActingUser, Exchange, Fault, Lane, Reply, Request, Step};
use serde_json::Value;

use crate::id::HsId;
use crate::spec::ONE_CALL;
use crate::{Api, ask, error, row};

/// Owners of one page.
const PAGE: usize = 100;
/// Most pages of owners: more than HubSpot sells seats.
const MOST_PAGES: u32 = 2_000;

/// Whom an actor id means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    /// `user:17`, as history names people.
    User(HsId),
    /// `owner:23`, as owner properties name people.
    Owner(HsId),
}

fn person(id: &str) -> Option<Who> {
    match id.split_once(':')? {
        ("user", number) => HsId::parse(number).map(Who::User),
        ("owner", number) => HsId::parse(number).map(Who::Owner),
        _ => None,
    }
}

/// Integrations, workflows and HubSpot's own processes: their ids say so.
pub(crate) fn machine(id: &str) -> Option<ActingUser> {
    let (class, _) = id.split_once(':')?;
    matches!(class, "integration" | "workflow" | "source").then(|| ActingUser {
        id: id.to_owned(),
        login: id.to_ascii_lowercase(),
        name: id.to_owned(),
        active: true,
        machine: true,
    })
}

/// The conversation behind [`handoff_connector::Source::users`].
pub(crate) struct Users {
    api: Api,
    wanted: BTreeMap<String, Who>,
    /// E-mail addresses that are looked for instead, in lower case.
    logins: BTreeSet<String>,
    found: BTreeMap<String, ActingUser>,
    archived: bool,
    after: Option<String>,
    pages: u32,
}

impl Users {
    pub(crate) fn new(api: Api, ids: &[String]) -> Self {
        let found = ids.iter().filter_map(|id| Some((id.clone(), machine(id)?))).collect();
        let wanted = ids.iter().filter_map(|id| Some((id.clone(), person(id)?))).collect();
        Self { api, wanted, logins: BTreeSet::new(), found, archived: false, after: None, pages: 0 }
    }

    /// Owners by e-mail address.
    pub(crate) fn by_login(api: Api, logins: &[String]) -> Self {
        let logins = logins.iter().map(|login| login.trim().to_lowercase()).filter(|login| !login.is_empty());
        Self { logins: logins.collect(), ..Self::new(api, &[]) }
    }

    /// Everybody, once nobody is left to be looked for.
    pub(crate) fn finished(&self) -> Option<Vec<ActingUser>> {
        let known = |login| self.found.values().any(|user| user.login == login);
        let all = self.wanted.keys().all(|id| self.found.contains_key(id))
            && self.logins.iter().all(|login| known(login.as_str()));
        all.then(|| self.found.values().cloned().collect())
    }

    fn take(&mut self, owner: &Value) -> Result<(), Fault> {
        let id = owner.get("id").and_then(HsId::of);
        let id = id.ok_or_else(|| Fault::Protocol { detail: "an owner without a valid id".to_owned() })?;
        let user = owner.get("userId").and_then(HsId::of);
        let ever = user.or_else(|| owner.get("userIdIncludingInactive").and_then(HsId::of));
        let names: BTreeSet<Who> =
            [Some(Who::Owner(id)), ever.map(Who::User)].into_iter().flatten().collect();
        let text = |name: &str| owner.get(name).and_then(Value::as_str).unwrap_or_default().trim();
        let archived = owner.get("archived").and_then(Value::as_bool).unwrap_or(self.archived);
        // Ours is the first word that was found: somebody who left and came back is listed active first.
        let asked =
            self.wanted.iter().filter(|(id, who)| names.contains(who) && !self.found.contains_key(*id));
        let mut asked: Vec<String> = asked.map(|(id, _)| id.clone()).collect();
        let email = text("email").to_lowercase();
        let known = || self.found.values().any(|user| user.login == email && user.active);
        if self.logins.contains(&email) && !known() {
            asked.push(format!("owner:{id}"));
        }
        for asked in asked {
            let email = email.clone();
            let name = format!("{} {}", text("firstName"), text("lastName")).trim().to_owned();
            let user = ActingUser {
                id: asked.clone(),
                login: if email.is_empty() { asked.clone() } else { email },
                name,
                active: !archived && user.is_some(),
                // A queue cannot answer for a handoff.
                machine: text("type").eq_ignore_ascii_case("QUEUE"),
            };
            self.found.insert(asked, user);
        }
        Ok(())
    }
}

impl Exchange for Users {
    type Output = Vec<ActingUser>;

    fn request(&mut self) -> Request {
        let mut path = format!("{}?limit={PAGE}&archived={}", self.api.dialect.owners(), self.archived);
        if let Some(after) = self.after.as_deref().and_then(ask::token) {
            path.push_str("&after=");
            path.push_str(&after);
        }
        ask::get(path, Lane::Read, ONE_CALL, "owners")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        let body = row::whole(error::body(reply))?;
        let next = ask::next_page(&body);
        let stuck = next.is_some() && next == self.after || self.pages >= MOST_PAGES;
        if stuck || next.as_deref().is_some_and(|next| ask::token(next).is_none()) {
            return Err(Fault::Protocol { detail: "the pages of owners do not advance".to_owned() });
        }
        let owners = row::results(&body)?;
        for owner in owners {
            self.take(owner)?;
        }
        if let Some(all) = self.finished() {
            return Ok(Step::Done(all));
        }
        self.pages += 1;
        match next {
            Some(next) => self.after = Some(next),
            None if !self.archived => (self.archived, self.after) = (true, None),
            None => return Ok(Step::Done(self.found.values().cloned().collect())),
        }
        Ok(Step::Continue)
    }
}

/// Refuses a token of another portal (D11).
pub(crate) fn same_portal(api: &Api, body: &Value) -> Result<(), Fault> {
    let portal = body.get("portalId").and_then(HsId::of);
    let portal = portal
        .ok_or_else(|| Fault::Protocol { detail: "account details without a valid portalId".to_owned() })?;
    if portal == api.portal {
        return Ok(());
    }
    Err(Fault::Denied {
        detail: "the token belongs to another HubSpot portal than the configured one".to_owned(),
        remedy: "Correct org_id of this connection, or use a token of the right portal".to_owned(),
    })
}

/// The conversation behind [`handoff_connector::Source::whoami`].
pub(crate) struct WhoAmI {
    pub(crate) api: Api,
}

impl Exchange for WhoAmI {
    type Output = String;

    fn request(&mut self) -> Request {
        ask::get(self.api.dialect.account().to_owned(), Lane::Read, ONE_CALL, "account")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<String>, Fault> {
        same_portal(&self.api, &row::whole(error::body(reply))?)?;
        let app = self.api.app.map_or_else(|| "ourselves".to_owned(), |app| app.to_string());
        Ok(Step::Done(format!("integration:{app}")))
    }
}
