//! Keys, tokens, allowances, faults and manners.

use std::net::IpAddr;

use handoff_sandbox_host::Fault;
use jiff::tz::Offset;

use super::Workspace;
use crate::{
    Action, App, Error, Pace, Tokens, TrustedIps,
    access::{AccessKey, Networks, SCOPES},
};

impl Workspace {
    // Access.

    /// Adds or replaces an access key.
    pub fn set_key(&self, key: AccessKey) {
        self.lock().access.keys.insert(key.key.clone(), key);
    }

    /// Deletes an access key: it is refused from the next call on.
    pub fn delete_key(&self, key: &str) {
        self.lock().access.keys.remove(key);
    }

    /// Adds or replaces an OAuth app.
    pub fn set_app(&self, app: App) {
        self.lock().access.apps.insert(app.client_id.clone(), app);
    }

    /// A pair of tokens with every scope, as if the admin had approved the app.
    pub fn grant(&self) -> Tokens {
        self.grant_with(&SCOPES)
    }

    /// A pair of tokens with these scopes.
    pub fn grant_with(&self, scopes: &[&str]) -> Tokens {
        let mut state = self.lock();
        let now = state.second();
        state.access.open(scopes.iter().map(|scope| (*scope).to_owned()).collect(), now)
    }

    /// Whether the admin approves an app that asks.
    pub fn set_approval(&self, approves: bool) {
        self.lock().access.approves = approves;
    }

    /// Ends every access token; how many were alive.
    pub fn kill_tokens(&self) -> usize {
        self.lock().access.kill_access()
    }

    /// Forgets every refresh token; how many were good.
    pub fn kill_refresh_tokens(&self) -> usize {
        self.lock().access.kill_refresh()
    }

    /// Life of access tokens issued from now on, in seconds.
    pub fn set_token_lifetime(&self, seconds: i64) {
        self.lock().access.lifetime = seconds;
    }

    /// Which addresses may call.
    pub fn set_trusted(&self, trusted: &TrustedIps) -> Result<(), Error> {
        let keys = Networks::read(&trusted.keys)?;
        let tokens = Networks::read(&trusted.access_tokens)?;
        let refresh = Networks::read(&trusted.refresh_tokens)?;
        let mut state = self.lock();
        state.access.keys_from = keys;
        state.access.tokens_from = tokens;
        state.access.refresh_from = refresh;
        Ok(())
    }

    /// Where calls seem to come from; loopback at the start.
    pub fn appear_from(&self, address: IpAddr) {
        self.lock().access.caller = address;
    }

    // Allowance.

    /// How the allowance of three calls a second is measured from now on.
    pub fn set_pace(&self, pace: Pace) {
        self.lock().limits.pace = pace;
    }

    /// What is used of today's allowance, and what is allowed.
    pub fn set_limit(&self, used: u64, per_day: u64) {
        let mut state = self.lock();
        let now = state.now();
        state.limits.set(now, used, per_day);
    }

    // Faults.

    /// Plants a fault; its number.
    pub fn plant(&self, fault: Fault<Action>) -> u64 {
        self.lock().faults.plant(fault)
    }

    /// Faults that have not struck yet.
    pub fn faults(&self) -> Vec<Fault<Action>> {
        self.lock().faults.list()
    }

    /// Removes every planted fault, and lets hanging requests go.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
        self.release();
    }

    /// Lets hanging requests go.
    pub fn release(&self) {
        self.shared.traffic.release();
    }

    // Manners.

    /// Life of cursors from their first page on, in seconds; cursors that are out keep theirs.
    pub fn set_cursor_life(&self, seconds: i64) {
        self.lock().manners.cursor_life = seconds;
    }

    /// How long after a call is listed `/v2/calls/extensive` knows it, in seconds, for calls added from now on.
    pub fn set_details_lag(&self, seconds: i64) {
        self.lock().manners.details_lag = seconds;
    }

    /// Puts fields that no client knows into every object of every answer.
    pub fn set_unknown_fields(&self, on: bool) {
        self.lock().manners.unknown_fields = on;
    }

    /// Writes times with this offset from UTC, in hours (-25 to 25).
    pub fn set_utc_offset(&self, hours: i8) -> Result<(), Error> {
        let offset = Offset::from_hours(hours).map_err(|_| Error::bad("hours: between -25 and 25"))?;
        self.lock().manners.offset = offset;
        Ok(())
    }
}
