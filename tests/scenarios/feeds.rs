//! What the product and the training tool send to the daemon's signed feeds.

use handoffd_tests::feed::{CUSTOMER, Delivery};
use serde_json::{Value, json};

use crate::acts::BEFORE;
use crate::player::Player;

/// A secret that nobody configured.
const STRANGE: &str = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBrZXk=";

impl Player {
    /// What a machine of the customer's sends; whether it was that.
    pub(crate) async fn sent(&mut self, said: &[&str]) -> bool {
        let (path, rows, how) = match said {
            [
                "product",
                "sends",
                "usage",
                "of",
                users,
                "users",
                "in",
                "the",
                "week",
                "of",
                week,
                how @ ..,
            ] => ("feeds/usage", json!([used("Routing", week, users.parse().unwrap())]), how),
            ["product", "sends", "usage", how @ ..] => ("feeds/usage", usage(), how),
            ["training", "tool", "sends", "attendance", how @ ..] => {
                ("feeds/attendance", self.attendance(), how)
            }
            _ => return false,
        };
        self.world.advance(BEFORE);
        let id = format!("msg_{}", self.world.now().as_second());
        let delivery = Delivery { path, ..Delivery::of(&self.world, &id, rows.to_string()) };
        // A path is no part of what is signed.
        let delivery = match how {
            [] => delivery,
            ["unsigned"] => Delivery { signature: String::new(), ..delivery },
            ["with", "another", "secret"] => delivery.signed_again(STRANGE),
            other => panic!("nobody signs like that: {other:?}"),
        };
        let (status, answer) = delivery.send(&self.world).await;
        self.said.push(match (status, &answer["rows"], &answer["taken"]) {
            (200, rows, taken) => format!("{status}: {rows} rows, {taken} taken"),
            _ => format!("{status}: refused"),
        });
        true
    }

    /// The contact of the customer came to the basic training.
    fn attendance(&self) -> Value {
        let contact = |object: &str| ["Contact", "contacts"].contains(&object);
        let person = self.known().cast.values().find(|record| contact(record.object.as_str())).unwrap();
        json!([{
            "account": CUSTOMER, "person": person.record.as_str(), "session": "Basics", "completed": "Completed"
        }])
    }
}

/// Two weeks of two features.
fn usage() -> Value {
    json!([
        used("Routing", "2026-10-05", 4),
        used("Routing", "2026-10-12", 9),
        used("Signatures", "2026-10-05", 2),
        used("Signatures", "2026-10-12", 3),
    ])
}

fn used(feature: &str, week: &str, users: u32) -> Value {
    json!({ "account": CUSTOMER, "feature": feature, "week": week, "users": users })
}
