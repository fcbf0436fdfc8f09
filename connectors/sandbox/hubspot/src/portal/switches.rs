//! People, tokens, faults, rules, properties and webhooks.

use crate::{
    Error,
    approvals::Status,
    auth::{App, StaticToken},
    fault::Fault,
    limits::LimitOptions,
    pipelines::{PipelineRules, PipelineSpec, RequiredRule},
    portal::{NewUser, Portal},
    refusal::Refusal,
    schema::{PropertyOption, PropertySpec},
    state::User,
    webhooks::{Delivery, Subscription, WebhookMode, WebhookTarget},
};

impl Portal {
    // People.

    /// Creates a user and the owner that stands for them; user id and owner id.
    pub fn create_user(&self, user: &NewUser) -> Result<(u64, u64), Error> {
        let mut state = self.lock();
        if state.user(&user.email).is_ok() {
            return Err(Error::bad(format!("user {} exists already", user.email)));
        }
        let (id, owner, now) = (state.fresh_number(), state.fresh_number(), state.now());
        let made = User {
            id,
            owner,
            email: user.email.clone(),
            first: user.first.clone(),
            last: user.last.clone(),
            team: None,
            super_admin: user.super_admin,
            active: true,
            created: now,
            updated: now,
        };
        state.users.insert(id, made);
        Ok((id, owner))
    }

    /// The user id of an e-mail address, user id or owner id.
    pub fn user_id(&self, name: &str) -> Result<u64, Error> {
        self.lock().user(name).map(|user| user.id)
    }

    /// The owner id of an e-mail address, user id or owner id.
    pub fn owner_id(&self, name: &str) -> Result<u64, Error> {
        self.lock().user(name).map(|user| user.owner)
    }

    /// Deactivates a user (the owner is then archived), or takes that back.
    pub fn set_active(&self, name: &str, active: bool) -> Result<(), Error> {
        let mut state = self.lock();
        let (id, now) = (state.user(name)?.id, state.now());
        if let Some(user) = state.users.get_mut(&id) {
            user.active = active;
            user.updated = now;
        }
        Ok(())
    }

    // Tokens.

    /// Adds or replaces an OAuth app.
    pub fn set_app(&self, app: App) {
        self.lock().sessions.apps.insert(app.client_id.clone(), app);
    }

    /// Adds or replaces a service key or private app token.
    pub fn put_token(&self, token: &StaticToken) -> Result<(), Error> {
        self.lock().put_token(token)
    }

    /// Takes an access or refresh token away; whether it was there.
    pub fn revoke_token(&self, token: &str) -> bool {
        self.lock().revoke_token(token)
    }

    /// The code that a person's consent gives an app.
    pub fn authorize(&self, client_id: &str, user: &str) -> Result<String, Error> {
        self.lock().authorize(client_id, user)
    }

    /// Ends every access token of OAuth apps; how many were known.
    pub fn kill_tokens(&self) -> usize {
        self.lock().kill_tokens()
    }

    /// Forgets every refresh token; how many were known.
    pub fn kill_refresh_tokens(&self) -> usize {
        self.lock().kill_refresh_tokens()
    }

    /// Life of tokens issued from now on, in seconds.
    pub fn set_token_lifetime(&self, seconds: i64) {
        self.lock().sessions.lifetime = seconds;
    }

    /// Rate limits from now on; what was counted stays.
    pub fn set_limits(&self, limits: LimitOptions) {
        self.lock().limits.options = limits;
    }

    /// Calls that count as used today.
    pub fn set_used_today(&self, used: u64) {
        let mut state = self.lock();
        let now = state.now();
        // A first call of the day sets the day that `used` belongs to.
        let _ = state.limits.charge(0, false, false, now);
        state.limits.used = used;
    }

    // Faults.

    /// Plants a fault; its number.
    pub fn plant(&self, fault: Fault) -> u64 {
        self.lock().faults.plant(fault)
    }

    /// Faults that have not struck as often as they may.
    pub fn faults(&self) -> Vec<Fault> {
        self.lock().faults.list()
    }

    /// Removes every planted fault, lock and rejection, and lets hanging requests go.
    pub fn clear_faults(&self) {
        {
            let mut state = self.lock();
            state.faults.clear();
            state.locked.clear();
            state.rejected.clear();
        }
        self.release();
    }

    /// Lets hanging requests go.
    pub fn release(&self) {
        self.shared.traffic.release();
    }

    /// Writes to the record fail with 423 until it is unlocked.
    pub fn lock_record(&self, object: &str, id: u64) -> Result<(), Error> {
        let mut state = self.lock();
        let object = state.object(object)?;
        state.locked.insert((object, id));
        Ok(())
    }

    /// Undoes [`Self::lock_record`].
    pub fn unlock_record(&self, object: &str, id: u64) -> Result<(), Error> {
        let mut state = self.lock();
        let object = state.object(object)?;
        state.locked.remove(&(object, id));
        Ok(())
    }

    /// The next `times` writes to the record fail with `refusal`; in a batch, as one of its errors.
    pub fn reject_record(&self, object: &str, id: u64, times: u32, refusal: Refusal) -> Result<(), Error> {
        let mut state = self.lock();
        let object = state.object(object)?;
        state.rejected.insert((object, id), (times, refusal));
        Ok(())
    }

    // What search does.

    /// Milliseconds by which search sees changes late.
    pub fn set_search_lag(&self, millis: i64) {
        self.lock().switches.search_lag = millis;
    }

    /// Whether search sorts records of the same second by falling id.
    pub fn set_mis_sort(&self, on: bool) {
        self.lock().switches.mis_sort = on;
    }

    /// History entries shown for each property; all when `None`.
    pub fn set_history_depth(&self, depth: Option<usize>) {
        self.lock().switches.history_depth = depth;
    }

    // Rules.

    /// Properties that must have a value, replacing those set before.
    pub fn set_required(&self, rules: Vec<RequiredRule>) {
        self.lock().required = rules;
    }

    /// Whether required properties are checked on every write, not only on writes of the controlling property.
    pub fn set_check_always(&self, on: bool) {
        self.lock().switches.check_always = on;
    }

    /// The rules of a pipeline, replacing those set before.
    pub fn set_rules(&self, object: &str, pipeline: &str, rules: PipelineRules) -> Result<(), Error> {
        let mut state = self.lock();
        let object = state.object(object)?;
        if state.pipeline(object, pipeline).is_none() {
            return Err(Error::unknown("pipeline", pipeline));
        }
        state.rules.insert((object, pipeline.to_owned()), rules);
        Ok(())
    }

    /// Whether approvals stop apps without a user too; the vendor does not say.
    pub fn set_approvals_stop_apps(&self, on: bool) {
        self.lock().switches.approvals_stop_apps = on;
    }

    /// Decides the approval that a deal waits for.
    pub fn decide_approval(&self, deal: u64, status: Status) -> Result<(), Error> {
        self.with(|state| {
            let deals = state.object("deals")?;
            state.decide(deals, deal, status)
        })
    }

    /// Properties that only super admins may edit by hand; workflows, imports and apps still may.
    pub fn restrict_property(&self, object: &str, name: &str, on: bool) -> Result<(), Error> {
        let mut state = self.lock();
        let key = (state.object(object)?, name.to_owned());
        if on {
            state.switches.restricted.insert(key);
        } else {
            state.switches.restricted.remove(&key);
        }
        Ok(())
    }

    /// Adds a pipeline or replaces the one of its id; its id.
    pub fn put_pipeline(&self, object: &str, pipeline: PipelineSpec) -> Result<String, Error> {
        let mut state = self.lock();
        let object = state.object(object)?;
        Ok(state.put_pipeline(object, pipeline))
    }

    /// Archives a stage, or takes that back.
    pub fn archive_stage(&self, object: &str, stage: &str, archived: bool) -> Result<(), Error> {
        let mut state = self.lock();
        let object = state.object(object)?;
        let stages =
            state.pipelines.get_mut(&object).into_iter().flatten().flat_map(|known| &mut known.stages);
        let mut named = stages.filter(|known| known.id == stage).peekable();
        if named.peek().is_none() {
            return Err(Error::unknown("stage", stage));
        }
        named.for_each(|known| known.archived = archived);
        Ok(())
    }

    // Properties.

    /// Adds a property, or replaces its definition; its values stay.
    pub fn put_property(&self, object: &str, property: PropertySpec) -> Result<(), Error> {
        let mut state = self.lock();
        let object = state.object(object)?;
        if let Some(kind) = state.schema.objects.get_mut(object) {
            kind.put(property);
        }
        Ok(())
    }

    /// Archives a property, or restores it.
    pub fn archive_property(&self, object: &str, name: &str, archived: bool) -> Result<(), Error> {
        let now = self.lock().now();
        self.edit_property(object, name, |spec| spec.archived_at = archived.then_some(now))
    }

    /// Gives a property another name, as nobody can; its values stay.
    pub fn rename_property(&self, object: &str, name: &str, to: &str) -> Result<(), Error> {
        let mut state = self.lock();
        let object = state.object(object)?;
        let renamed = state.schema.objects.get_mut(object).is_some_and(|kind| kind.rename(name, to));
        if renamed { Ok(()) } else { Err(Error::unknown("property", name)) }
    }

    /// Makes a property read-only to everybody, or writable again.
    pub fn set_read_only(&self, object: &str, name: &str, read_only: bool) -> Result<(), Error> {
        self.edit_property(object, name, |spec| spec.read_only = read_only)
    }

    /// Replaces the options of an enumeration by these values.
    pub fn set_options(&self, object: &str, name: &str, values: &[&str]) -> Result<(), Error> {
        let option = |(order, value): (i64, &&str)| PropertyOption {
            label: (*value).to_owned(),
            value: (*value).to_owned(),
            display_order: order,
            hidden: false,
        };
        let options = (0_i64..).zip(values).map(option).collect();
        self.edit_property(object, name, |spec| spec.options = options)
    }

    fn edit_property(
        &self,
        object: &str,
        name: &str,
        edit: impl FnOnce(&mut PropertySpec),
    ) -> Result<(), Error> {
        let mut state = self.lock();
        let object = state.object(object)?;
        let spec = state.schema.objects.get_mut(object).and_then(|kind| kind.edit(name));
        spec.map(edit).ok_or_else(|| Error::unknown("property", name))
    }

    // Webhooks.

    /// Where events go, and how they are signed; `None` makes no more events.
    pub fn set_webhook(&self, target: Option<WebhookTarget>) {
        self.lock().webhooks.target = target;
    }

    /// Subscribes to one kind of event, `deal.propertyChange` with its property or `deal.creation` without.
    pub fn subscribe(&self, subscription_type: &str, property: Option<&str>) -> u64 {
        self.add_subscription(Subscription {
            id: 0,
            subscription_type: subscription_type.to_owned(),
            object_type: None,
            property_name: property.map(ToOwned::to_owned),
            active: true,
        })
    }

    /// Adds a subscription; its number.
    pub fn add_subscription(&self, mut subscription: Subscription) -> u64 {
        let mut state = self.lock();
        if subscription.id == 0 {
            subscription.id = state.fresh_number();
        }
        let id = subscription.id;
        state.webhooks.subscriptions.retain(|known| known.id != id);
        state.webhooks.subscriptions.push(subscription);
        id
    }

    /// Removes every subscription.
    pub fn clear_subscriptions(&self) {
        self.lock().webhooks.subscriptions.clear();
    }

    /// What happens to events from now on.
    pub fn set_webhook_mode(&self, mode: WebhookMode) {
        self.with(|state| state.webhooks.set_mode(mode));
    }

    /// Milliseconds before a failed delivery is repeated first; they double, up to forty times this. 50 unless set.
    pub fn set_retry_pause(&self, millis: u64) {
        self.lock().webhooks.retry_pause = millis;
    }

    /// Delivers held events, newest first, and every later one at once.
    pub fn release_webhooks(&self) {
        self.with(|state| state.webhooks.release());
    }

    /// Every delivery attempt so far, with headers and body.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.lock().webhooks.log.clone()
    }

    /// Waits until every event made so far is acknowledged, given up, lost or held.
    pub async fn outbound_settled(&self) {
        loop {
            let delivered = self.shared.delivered.notified();
            if self.lock().webhooks.is_idle() {
                return;
            }
            delivered.await;
        }
    }
}
