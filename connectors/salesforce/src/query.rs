//! Queries asked side by side, page after page, until all are answered.

use std::collections::BTreeMap;

use handoff_connector::{Fault, Lane, Reply, Request};
use serde_json::Value;

use crate::Api;
use crate::composite::{self, Sub, SubReply};
use crate::error;
use crate::row;
use crate::spec::HEAVY_SUBREQUESTS;

/// Most pages that one conversation follows; 200 records with their children never need as many.
const PAGES: usize = 400;
/// How often a conversation starts again because its place in a list was lost with the session.
const RESTARTS: u8 = 2;

/// Several queries, each named by its place in the list.
#[derive(Debug)]
pub(crate) struct Queries {
    /// First pages, for starting again.
    first: BTreeMap<usize, String>,
    /// Pages to ask for next: query and address.
    pending: Vec<(usize, String)>,
    rows: BTreeMap<usize, Vec<Value>>,
    pages: usize,
    restarts: u8,
    name: &'static str,
}

/// How a query that failed goes on.
pub(crate) enum Retry {
    /// Ask this address instead.
    With(String),
    /// Leave it unanswered.
    Skip,
    /// Give up.
    Fail(Fault),
}

impl Queries {
    /// Asks these addresses.
    pub(crate) fn new(urls: Vec<String>, name: &'static str) -> Self {
        let first: BTreeMap<usize, String> = urls.into_iter().enumerate().collect();
        let pending = first.iter().map(|(at, url)| (*at, url.clone())).collect();
        Self { first, pending, rows: BTreeMap::new(), pages: 0, restarts: 0, name }
    }

    fn batch(&self) -> &[(usize, String)] {
        self.pending.get(..HEAVY_SUBREQUESTS).unwrap_or(&self.pending)
    }

    fn subs(&self) -> Vec<Sub> {
        self.batch().iter().map(|(at, url)| Sub::get(format!("{}{at}", self.name), url.clone())).collect()
    }

    /// The next composite.
    pub(crate) fn request(&self, api: &Api, lane: Lane) -> Request {
        composite::request(&api.base, &self.subs(), lane, self.name)
    }

    /// Takes the answer; `true` = all queries are answered. `failed` decides about a query that failed, given its
    /// place, address and answer; it may be asked again about the same failure.
    pub(crate) fn reply(
        &mut self,
        reply: &Reply,
        mut failed: impl FnMut(usize, &str, &SubReply) -> Retry,
    ) -> Result<bool, Fault> {
        let answers = match composite::replies(reply, &self.subs()) {
            Ok(answers) => answers,
            Err(fault) => {
                // A next page belongs to the session that began the list: after a new login the list starts again.
                if fault == Fault::Expired {
                    self.restart();
                }
                return Err(fault);
            }
        };
        let asked: Vec<(usize, String)> = self.batch().to_vec();
        let mut next = Vec::new();
        let mut found = Vec::new();
        for ((at, url), answer) in asked.iter().zip(&answers) {
            if answer.status.is_success() {
                let page = row::page(answer.body.clone())?;
                if let Some(following) = page.next {
                    if following == *url {
                        return Err(Fault::Protocol {
                            detail: "a page that names itself as the next".to_owned(),
                        });
                    }
                    next.push((*at, following));
                }
                found.push((*at, page.rows));
            } else if lost_its_place(answer) && self.restarts < RESTARTS {
                self.restarts += 1;
                self.restart();
                return Ok(false);
            } else {
                match failed(*at, url, answer) {
                    Retry::With(url) => {
                        self.first.insert(*at, url.clone());
                        next.push((*at, url));
                    }
                    Retry::Skip => {}
                    Retry::Fail(fault) => return Err(fault),
                }
            }
        }
        self.pages += asked.len();
        if self.pages > PAGES {
            return Err(Fault::Protocol { detail: "the list of pages does not end".to_owned() });
        }
        for (at, rows) in found {
            self.rows.entry(at).or_default().extend(rows);
        }
        self.pending.drain(..asked.len());
        self.pending.extend(next);
        Ok(self.pending.is_empty())
    }

    fn restart(&mut self) {
        self.rows.clear();
        self.pages = 0;
        self.pending = self.first.iter().map(|(at, url)| (*at, url.clone())).collect();
    }

    /// Asks these addresses too, once all others are answered; `false` = there are none.
    pub(crate) fn ask(&mut self, urls: Vec<(usize, String)>) -> bool {
        let some = !urls.is_empty();
        self.first.extend(urls.iter().cloned());
        self.pending.extend(urls);
        some
    }

    /// The rows of a query so far.
    pub(crate) fn rows(&self, at: usize) -> &[Value] {
        self.rows.get(&at).map(Vec::as_slice).unwrap_or_default()
    }

    /// The rows of a query; `None` = it was skipped.
    pub(crate) fn take(&mut self, at: usize) -> Option<Vec<Value>> {
        self.rows.remove(&at)
    }
}

fn lost_its_place(answer: &SubReply) -> bool {
    error::errors(&answer.body).iter().any(|error| error.code == "INVALID_QUERY_LOCATOR")
}
