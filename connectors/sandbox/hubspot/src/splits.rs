//! Who shares a deal's credit.

use std::{collections::BTreeSet, sync::Arc};

use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use crate::{Refusal, calculate::compute, record::Record, state::State, when};

/// Most decimals of a share.
const DECIMALS: u32 = 8;

/// One owner's share of a deal.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    id: u64,
    owner: u64,
    /// A fraction of one.
    part: Decimal,
    at: i64,
}

impl Share {
    fn json(&self) -> Json {
        let at = when::iso(self.at);
        json!({
            "id": self.id.to_string(), "createdAt": at, "updatedAt": at, "archived": false,
            "properties": {
                "hs_deal_split_percentage": self.part.to_string(), "hubspot_owner_id": self.owner.to_string(),
            },
        })
    }
}

impl State {
    /// Whether a deal could be shared like this, by owner id and fraction.
    pub(crate) fn may_split(&self, deal: u64, shares: &[(u64, Decimal)]) -> Result<(), Refusal> {
        for (owner, part) in shares {
            if !self.users.values().any(|user| user.owner == *owner) {
                return Err(Refusal::validation("Invalid ownerId"));
            }
            if part.is_sign_negative() || *part > Decimal::ONE || part.scale() > DECIMALS {
                return Err(Refusal::validation(
                    "percentage must be between 0 and 1, with at most 8 decimals",
                ));
            }
        }
        if shares.iter().map(|(_, part)| *part).sum::<Decimal>() != Decimal::ONE {
            return Err(Refusal::validation("The percentages of a deal's splits must sum to 1.0"));
        }
        let held = self.deal_owner(deal);
        if held.is_some_and(|held| shares.iter().all(|(owner, _)| *owner != held)) {
            return Err(Refusal::validation("The deal's owner must be one of the split owners"));
        }
        Ok(())
    }

    /// Replaces a deal's shares; what the portal tells of them on the deal follows.
    pub(crate) fn split(&mut self, deal: u64, shares: &[(u64, Decimal)]) -> Result<(), Refusal> {
        self.may_split(deal, shares)?;
        let at = self.now();
        let mut kept = Vec::new();
        for (owner, part) in shares {
            kept.push(Share { id: self.fresh_number(), owner: *owner, part: *part, at });
        }
        self.splits.insert(deal, kept);
        self.tell_splits(deal);
        Ok(())
    }

    /// A deal's shares as the vendor shows them.
    pub(crate) fn shown_splits(&self, deal: u64) -> Vec<Json> {
        self.splits.get(&deal).into_iter().flatten().map(Share::json).collect()
    }

    fn deal_owner(&self, deal: u64) -> Option<u64> {
        let deals = self.schema.find("deals")?;
        let owner = self.schema.object(deals)?.position("hubspot_owner_id")?;
        self.record(deals, deal)?.value(owner)?.parse().ok()
    }

    fn tell_splits(&mut self, deal: u64) {
        let Some(deals) = self.schema.find("deals") else { return };
        let (Some(kind), Some(record)) = (self.schema.object(deals), self.record(deals, deal)) else {
            return;
        };
        let owners: Vec<String> =
            self.splits.get(&deal).into_iter().flatten().map(|share| share.owner.to_string()).collect();
        let (now, origin) = (self.now(), Arc::clone(&self.calculated));
        let mut record = Record::clone(record);
        let told = [
            ("hs_is_deal_split", (owners.len() > 1).to_string()),
            ("hs_all_deal_split_owner_ids", owners.join(";")),
        ];
        let changed: BTreeSet<_> = told
            .iter()
            .filter_map(|(name, value)| compute(kind, &mut record, now, name, value, &origin))
            .collect();
        if changed.is_empty() {
            return;
        }
        record.modified = now;
        self.commit(deals, record, crate::Operation::Update, &changed, &origin);
    }
}
