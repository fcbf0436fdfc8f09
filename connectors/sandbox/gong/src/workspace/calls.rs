//! Calls, people, trackers and links.

use std::path::Path;

use jiff::Timestamp;

use super::Workspace;
use crate::{
    CallSpec, Error, Link, Passage,
    ids::Kind,
    load,
    people::{User, WorkspaceInfo},
    settings::{Association, Tracker},
};

impl Workspace {
    // Calls.

    /// Adds a call, or replaces the one with its id; the id.
    pub fn add_call(&self, call: CallSpec) -> Result<String, Error> {
        self.with(|state| state.add_call(call))
    }

    /// The call as it is held, parties and ids filled in.
    pub fn call(&self, id: &str) -> Option<CallSpec> {
        self.lock().calls.get(id).map(|call| call.spec.clone())
    }

    /// Ids of all calls, visible or not, in the order of their start.
    pub fn call_ids(&self) -> Vec<String> {
        self.lock().calls_in_order().into_iter().map(|call| call.id.clone()).collect()
    }

    /// Removes a call, as a deletion request does.
    pub fn remove_call(&self, id: &str) -> Result<(), Error> {
        self.with(|state| {
            state.calls.remove(id).ok_or_else(|| Error::unknown("call", id))?;
            state.note("removed", id);
            Ok(())
        })
    }

    /// Marks a call private, or no longer.
    pub fn set_private(&self, id: &str, private: bool) -> Result<(), Error> {
        self.with(|state| {
            state.call(id)?.spec.private = private;
            state.note("privacy_set", id);
            Ok(())
        })
    }

    /// Removes what was said in a call; the call stays.
    pub fn delete_transcript(&self, id: &str) -> Result<(), Error> {
        self.with(|state| {
            state.call(id)?.spec.transcript = None;
            state.note("transcript_removed", id);
            Ok(())
        })
    }

    /// Sets what was said in a call, visible from `at` on, or from now on.
    pub fn set_transcript(
        &self,
        id: &str,
        transcript: Vec<Passage>,
        at: Option<Timestamp>,
    ) -> Result<(), Error> {
        self.with(|state| {
            let now = state.now();
            let mut spec = state.call(id)?.spec.clone();
            spec.transcript = Some(transcript);
            state.complete_parties(&mut spec);
            let call = state.call(id)?;
            call.spec = spec;
            call.transcript_at = at.unwrap_or(now);
            state.note("transcript_set", id);
            Ok(())
        })
    }

    /// Moves the moments at which a call is listed, known in detail, and readable; those not given stay.
    pub fn set_moments(
        &self,
        id: &str,
        processed: Option<Timestamp>,
        details: Option<Timestamp>,
        transcript: Option<Timestamp>,
    ) -> Result<(), Error> {
        self.with(|state| {
            let call = state.call(id)?;
            call.processed_at = processed.unwrap_or(call.processed_at);
            call.details_at = details.unwrap_or(call.details_at);
            call.transcript_at = transcript.unwrap_or(call.transcript_at);
            Ok(())
        })
    }

    /// A person links the call to another account and deal by hand: its CRM context changes, and the feed of manual associations
    /// gains an entry.
    pub fn relink(
        &self,
        id: &str,
        user: &str,
        system: &str,
        account: Option<&str>,
        deal: Option<&str>,
    ) -> Result<(), Error> {
        self.with(|state| {
            let user = state.user(user).ok_or_else(|| Error::unknown("user", user))?.id.clone();
            let created = state.now();
            let call = state.call(id)?;
            call.spec.links.retain(|link| !matches!(link.object.as_str(), "Account" | "Opportunity"));
            call.spec.links.extend(account.map(|id| Link::account(system, id)));
            call.spec.links.extend(deal.map(|id| Link::deal(system, id)));
            state.associations.push(Association {
                call: id.to_owned(),
                user,
                created,
                account: account.map(str::to_owned),
                deal: deal.map(str::to_owned),
            });
            state.note("relinked", id);
            Ok(())
        })
    }

    /// Every link made by hand, oldest first.
    pub fn associations(&self) -> Vec<Association> {
        self.lock().associations.clone()
    }

    // Files.

    /// Loads calls from JSON lines, one [`CallSpec`] each; their ids.
    pub fn load_jsonl(&self, file: &Path) -> Result<Vec<String>, Error> {
        load::lines(file)?.into_iter().map(|call| self.add_call(call)).collect()
    }

    /// Loads the call of a webhook body in the vendor's own shape, visible at once; its id.
    pub fn load_webhook(&self, file: &Path) -> Result<String, Error> {
        let now = self.now();
        self.add_call(load::webhook(file)?.processed_at(now))
    }

    /// Loads an answer of `/v2/calls/transcript` for calls that are there; how many.
    pub fn load_transcripts(&self, file: &Path) -> Result<usize, Error> {
        let all = load::transcripts(file)?;
        let count = all.len();
        for (id, passages) in all {
            self.set_transcript(&id, passages, None)?;
        }
        Ok(count)
    }

    // People and settings.

    /// Adds a user, or replaces the one with his id or address; the id.
    pub fn add_user(&self, user: User) -> String {
        self.with(|state| state.add_user(user))
    }

    /// The user with that id, address or alias.
    pub fn user(&self, name: &str) -> Option<User> {
        self.lock().user(name).cloned()
    }

    /// Adds a workspace; its id.
    pub fn add_workspace(&self, mut workspace: WorkspaceInfo) -> String {
        self.with(|state| {
            if workspace.id.is_empty() {
                workspace.id = state.next_id(Kind::Workspace);
            }
            let id = workspace.id.clone();
            state.workspaces.push(workspace);
            id
        })
    }

    /// Adds a tracker; its id.
    pub fn add_tracker(&self, tracker: Tracker) -> String {
        self.with(|state| state.add_tracker(tracker))
    }
}
