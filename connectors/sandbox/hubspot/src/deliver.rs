//! Carries webhook requests to their target.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use serde_json::Value as Json;
use tokio::sync::Semaphore;

use crate::{
    portal::Shared,
    webhooks::{Delivery, Parcel, sign},
};

/// How long a target may take to answer.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);
/// Attempts after the first.
const RETRIES: u32 = 10;
/// Requests under way at one time.
const CONCURRENT: usize = 10;

/// Delivers until the sandbox stops.
pub(crate) async fn deliver(shared: Weak<Shared>, client: reqwest::Client) {
    let Some(wake) = shared.upgrade().map(|shared| Arc::clone(&shared.outbound_wake)) else { return };
    let lanes = Arc::new(Semaphore::new(CONCURRENT));
    loop {
        let Some(portal) = shared.upgrade() else { return };
        let due = portal.lock().webhooks.due();
        // Whoever waits for quiet is told also when all was lost or held.
        portal.delivered.notify_waiters();
        for parcel in due {
            tokio::spawn(carry(shared.clone(), client.clone(), Arc::clone(&lanes), parcel));
        }
        drop(portal);
        wake.notified().await;
    }
}

async fn carry(shared: Weak<Shared>, client: reqwest::Client, lanes: Arc<Semaphore>, parcel: Parcel) {
    // The vendor spreads its retries over a day; a test has no day.
    let Some(first) = shared.upgrade().map(|portal| portal.lock().webhooks.retry_pause) else { return };
    let first = Duration::from_millis(first);
    let mut pause = first;
    for number in 0..=RETRIES {
        let Ok(lane) = lanes.acquire().await else { return };
        let done = attempt(&shared, &client, &parcel, number).await;
        drop(lane);
        if done {
            break;
        }
        if number < RETRIES {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(first * 40);
        }
    }
    if let Some(portal) = shared.upgrade() {
        let mut state = portal.lock();
        state.webhooks.in_flight = state.webhooks.in_flight.saturating_sub(1);
        drop(state);
        portal.delivered.notify_waiters();
    }
}

/// One attempt; true when the target answered well, or when there is nobody left to deliver for.
async fn attempt(shared: &Weak<Shared>, client: &reqwest::Client, parcel: &Parcel, number: u32) -> bool {
    let Some((target, now)) = shared.upgrade().and_then(|portal| {
        let state = portal.lock();
        Some((state.webhooks.target.clone()?, state.now()))
    }) else {
        return true;
    };
    let mut events = parcel.events.clone();
    for event in &mut events {
        if let Some(map) = event.as_object_mut() {
            map.insert("attemptNumber".to_owned(), Json::from(number));
        }
    }
    let body = Json::from(events).to_string();
    let headers = sign(&target, &body, now);
    let mut request = client.post(&target.url).body(body.clone());
    for (name, value) in &headers {
        request = request.header(name, value);
    }
    let status = request.send().await.ok().map(|answer| answer.status().as_u16());
    if let Some(portal) = shared.upgrade() {
        let mut state = portal.lock();
        let at = state.timestamp();
        state.webhooks.log.push(Delivery {
            request: parcel.number,
            url: target.url,
            headers,
            body,
            at,
            attempt: number,
            status,
        });
    }
    status.is_some_and(|status| status < 400)
}
