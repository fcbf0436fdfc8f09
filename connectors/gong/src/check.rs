//! Whether everything that passes need is readable, before the first pass needs it.

use handoff_connector::{CheckFinding, CheckReport, Exchange, Fault, Reply, Request, Step};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::Api;
use crate::answer::{self, Unanswered};
use crate::ask::{self, Which};
use crate::page::{Page, id, list};

/// How far back a company without any call is looked for.
const PROBE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What is asked, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Users,
    Calls,
    Transcripts,
    Links,
    Workspaces,
}

/// The conversation behind [`handoff_connector::Connector::check`].
pub(crate) struct Check {
    api: Api,
    question: Question,
    users: usize,
    /// Gong's clock, from its first answer.
    clock: Option<Timestamp>,
    findings: Vec<CheckFinding>,
}

impl Check {
    pub(crate) fn new(api: Api) -> Self {
        Self { api, question: Question::Users, users: 0, clock: None, findings: Vec::new() }
    }

    fn find(&mut self, error: bool, place: &str, problem: &str, remedy: &str) {
        self.findings.push(CheckFinding {
            error,
            place: place.to_owned(),
            problem: problem.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    /// A second that no call of Gong's began in: whether we may ask is told, and no word is.
    fn long_ago() -> Which<'static> {
        let from = Timestamp::UNIX_EPOCH;
        Which::Began { from, to: from.saturating_add(SignedDuration::from_secs(1)).unwrap_or(from) }
    }

    fn users(&mut self, reply: &Reply) -> Result<(), Fault> {
        let page = page(reply, "users")?;
        self.users = page.rows.len();
        let date = reply.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
        self.clock = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        if page.rows.is_empty() {
            self.find(
                false,
                "users",
                "Gong shows us no user at all",
                "check that the key belongs to a technical admin of your company",
            );
        }
        Ok(())
    }

    fn calls(&mut self, reply: &Reply) -> Result<(), Fault> {
        let page = page(reply, "calls")?;
        if page.rows.is_empty() && self.users > 0 {
            self.find(
                false,
                "calls",
                "there are users, but not one call of the last 90 days is visible to us",
                "in Gong, give the owner of the access key a permission profile that sees all calls, or correct `workspace`; a key \
                 without visibility gets the same answer as a company without calls",
            );
        }
        Ok(())
    }

    fn transcripts(&mut self, reply: &Reply) -> Result<(), Fault> {
        match page_or_refusal(reply, "callTranscripts")? {
            Some(_page) => {}
            None => self.find(
                true,
                "transcripts",
                "we may not read what was said in calls",
                "give the app the scope api:calls:read:transcript",
            ),
        }
        Ok(())
    }

    fn links(&mut self, reply: &Reply) -> Result<(), Fault> {
        match page_or_refusal(reply, "associations")? {
            Some(_page) => {}
            None => self.find(
                false,
                "manual CRM associations",
                "we may not see which calls were linked to another record by hand; they are only found while in the look-back window",
                "give the app the scope api:crm-calls:manual-association:read",
            ),
        }
        Ok(())
    }

    fn workspaces(&mut self, reply: &Reply) -> Result<(), Fault> {
        let body = answer::body(reply).map_err(Unanswered::fault)?;
        if !body.get("workspaces").is_some_and(serde_json::Value::is_array) {
            return Err(answer::protocol("the answer has no list workspaces"));
        }
        if !list(&body, "workspaces").any(|row| id(row.get("id")) == self.api.workspace) {
            self.find(
                true,
                "workspace",
                "Gong shows us no workspace with this id",
                "copy the id from GET /v2/workspaces, or leave `workspace` out",
            );
        }
        Ok(())
    }
}

fn page(reply: &Reply, key: &str) -> Result<Page, Fault> {
    match answer::body(reply) {
        Ok(body) => Page::read(body, key, None),
        Err(Unanswered::Nothing) => Ok(Page::empty()),
        Err(other) => Err(other.fault()),
    }
}

/// `None` = we may not ask this.
fn page_or_refusal(reply: &Reply, key: &str) -> Result<Option<Page>, Fault> {
    match answer::body(reply) {
        Ok(body) => Page::read(body, key, None).map(Some),
        Err(Unanswered::Nothing) => Ok(Some(Page::empty())),
        Err(Unanswered::NotAllowed(_)) => Ok(None),
        Err(other) => Err(other.fault()),
    }
}

impl Exchange for Check {
    type Output = CheckReport;

    fn request(&mut self) -> Request {
        match self.question {
            Question::Users => ask::get("/v2/users", &[], "users"),
            Question::Calls => match self.clock {
                Some(to) => {
                    let from = to.saturating_sub(PROBE).unwrap_or(to);
                    ask::extensive(&self.api, &Which::Began { from, to }, None, "check_calls")
                }
                None => ask::post(
                    "/v2/calls/extensive",
                    json!({ "filter": { "workspaceId": self.api.workspace }, "contentSelector": {} }),
                    "check_calls",
                ),
            },
            Question::Transcripts => ask::transcript(&self.api, &Self::long_ago(), None),
            Question::Links => ask::links(self.clock.unwrap_or(Timestamp::UNIX_EPOCH), None),
            Question::Workspaces => ask::get("/v2/workspaces", &[], "workspaces"),
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<CheckReport>, Fault> {
        let next = match self.question {
            Question::Users => self.users(reply).map(|()| Some(Question::Calls)),
            Question::Calls => self.calls(reply).map(|()| Some(Question::Transcripts)),
            Question::Transcripts => self.transcripts(reply).map(|()| Some(Question::Links)),
            Question::Links => {
                self.links(reply).map(|()| self.api.workspace.as_ref().map(|_| Question::Workspaces))
            }
            Question::Workspaces => self.workspaces(reply).map(|()| None),
        }?;
        if let Some(next) = next {
            self.question = next;
            return Ok(Step::Continue);
        }
        let mut findings = std::mem::take(&mut self.findings);
        findings.sort_by_key(|finding| !finding.error);
        Ok(Step::Done(CheckReport { findings, ..CheckReport::default() }))
    }
}
