//! Calls about the company's deals: who sells, who signs, what was promised, what should get better.

use handoff_sandbox_host::fiction::{ACCOUNTS, CONTACTS, PEOPLE, Person, Team};
use jiff::{SignedDuration, Timestamp};

use crate::{CallSpec, Link, Party};

const DEALS: usize = 40;

/// Two calls of the last week about each deal that is near its end or won, as of `now`; `links` names the CRM records of the deal of that number
/// (0 to 39, about customer number modulo 25), in the order in which the sandboxes of the CRMs make them.
pub fn company_calls(now: Timestamp, links: &dyn Fn(usize) -> Vec<Link>) -> Vec<CallSpec> {
    let late = (0..DEALS).filter(|number| matches!(number % 10, 6..=8));
    late.flat_map(|number| {
        let turn = i64::try_from(number % 3).unwrap_or(0);
        let mut calls = vec![
            discovery(number, before(now, 24 * (4 + turn))),
            closing(number, before(now, 24 * (1 + turn))),
        ];
        for call in &mut calls {
            call.links = links(number);
        }
        calls
    })
    .collect()
}

fn before(now: Timestamp, hours: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(now)
}

/// Who talks about a deal.
struct Cast {
    seller: Person,
    onboarding: Person,
    customer: &'static str,
    buyer: (String, String),
    user: (String, String),
}

fn cast(number: usize) -> Cast {
    let of = |team: Team| {
        let members: Vec<Person> = PEOPLE.into_iter().filter(|person| person.team == team).collect();
        members.get(number % members.len().max(1)).copied().unwrap_or(PEOPLE[0])
    };
    let at = number % ACCOUNTS.len();
    let contact = |turn: usize| {
        let (first, last, _) = CONTACTS[(at * 3 + turn) % CONTACTS.len()];
        let email = format!("{}.{}@customer{at:02}.example", first.to_lowercase(), last.to_lowercase());
        (email, format!("{first} {last}"))
    };
    Cast {
        seller: of(Team::Sales),
        onboarding: of(Team::Onboarding),
        customer: ACCOUNTS[at].0,
        buyer: contact(0),
        user: contact(1),
    }
}

fn ours(person: Person) -> Party {
    Party::new(person.username, &format!("{} {}", person.first, person.last))
}

fn theirs(person: &(String, String)) -> Party {
    Party::new(&person.0, &person.1)
}

fn discovery(number: usize, at: Timestamp) -> CallSpec {
    let cast = cast(number);
    let (us, them) = (cast.seller.username, cast.user.0.as_str());
    let call = CallSpec::new(&format!("{} - Discovery", cast.customer), at)
        .lasting(1_900)
        .with(ours(cast.seller))
        .with(theirs(&cast.user))
        .says(
            us,
            "Introduction",
            &["Thank you for taking the time today.", "What are you working with at the moment?"],
        )
        .says(
            them,
            "Current Situation",
            &[
                "We plan everything in spreadsheets and a legacy planner.",
                "Our dispatchers love the colour codes of the old planner and would miss them.",
            ],
        );
    if number.is_multiple_of(3) {
        return call.says(us, "Wrap-up", &["Then let us talk again next week."]);
    }
    call.says(us, "Goals", &["What would have to be true in six months, and how will you measure it?"])
        .says(
            them,
            "Goals",
            &[
                "Our goal is that missed appointments fall from nine percent to under four.",
                "We read that from the dispatch report every month.",
            ],
        )
        .tracked("Competitors", 10_000, Some(them))
}

fn closing(number: usize, at: Timestamp) -> CallSpec {
    let cast = cast(number);
    let (us, lead) = (cast.seller.username, cast.onboarding.username);
    let (buyer, them) = (cast.buyer.0.as_str(), cast.user.0.as_str());
    let call = CallSpec::new(&format!("{} - Commercials and kick-off", cast.customer), at)
        .lasting(2_700)
        .with(ours(cast.seller))
        .with(ours(cast.onboarding))
        .with(theirs(&cast.buyer))
        .with(theirs(&cast.user))
        .says(us, "Pricing", &["Who signs on your side, and is there a limit?"])
        .says(
            buyer,
            "Pricing",
            &["I sign up to two hundred fifty thousand alone.", "Above that it goes to the board."],
        )
        .tracked("Economic buyer", 1_000, Some(us));
    if number.is_multiple_of(2) {
        return call.says(us, "Next Steps", &["I will send the order form tomorrow."]);
    }
    call.says(them, "Stakeholders", &["Operations wants it, but IT is worried about another integration."])
        .says(us, "Next Steps", &["We will include two extra training days at no extra charge."])
        .says(lead, "Onboarding", &["When do you want to go live, and why then?"])
        .says(
            them,
            "Onboarding",
            &[
                "We want to go live before the winter service season starts.",
                "Our address data is stored in three systems that disagree, that is the biggest risk.",
                "If the first two depots run smoothly, next year we take the northern depots.",
            ],
        )
        .tracked("Commitments", 19_000, Some(us))
        .tracked("Go-live", 23_500, Some(lead))
}

/// The records of a deal in the Salesforce sandbox.
pub(super) fn salesforce_links(number: usize) -> Vec<Link> {
    let at = number % ACCOUNTS.len();
    vec![
        Link::account("Salesforce", &salesforce_id("001", at + 1)).field("Name", ACCOUNTS[at].0),
        Link::deal("Salesforce", &salesforce_id("006", number + 1)),
    ]
}

/// The `serial`-th 18-character id of a key prefix, as the Salesforce sandbox numbers its records.
fn salesforce_id(prefix: &str, serial: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let digit = |place: usize| char::from(DIGITS.get(place % 62).copied().unwrap_or(b'0'));
    let short = format!("{prefix}SB00000000{}{}", digit(serial / 62), digit(serial));
    let check: String = short
        .as_bytes()
        .chunks(5)
        .map(|group| {
            let upper = group.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase());
            let bits = upper.fold(0_usize, |bits, (place, _)| bits | (1 << place));
            char::from(CHECK.get(bits).copied().unwrap_or(b'A'))
        })
        .collect();
    format!("{short}{check}")
}
