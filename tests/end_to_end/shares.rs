//! Pay that several people share, read over the wire: rows of the deal say who gets which part, and together they are the amount.

use handoff_core::handoff::Phase;
use handoff_measure::ledger::{Format, Month, Row, State};
use handoff_sandbox_hubspot::{Action, Fault};
use handoff_sandbox_salesforce::{Act, FieldSpec, FieldType, Id, ObjectSpec};
use handoffd::finance::bytes;
use handoffd_tests::crm::Deal;
use handoffd_tests::files::{edited, put};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, INGRID, LUIS};
use rust_decimal::Decimal;
use serde_json::json;

use crate::steps::hubspot;

/// Salesforce's own object for it, as its reference describes it.
fn splits() -> ObjectSpec {
    let lookup = |name: &str, to: &str, relationship: &str| FieldSpec {
        reference_to: vec![to.to_owned()],
        relationship: Some(relationship.to_owned()),
        ..FieldSpec::new(name, FieldType::Reference)
    };
    ObjectSpec {
        name: "OpportunitySplit".to_owned(),
        prefix: "1BZ".to_owned(),
        plural: "Opportunity Splits".to_owned(),
        writable: true,
        mergeable: false,
        hard_delete: false,
        history: None,
        without: Vec::new(),
        fields: vec![
            FieldSpec {
                children: Some("OpportunitySplits".to_owned()),
                required: true,
                cascade: true,
                ..lookup("OpportunityId", "Opportunity", "Opportunity")
            },
            lookup("SplitOwnerId", "User", "SplitOwner"),
            FieldSpec { precision: Some((5, 2)), ..FieldSpec::new("SplitPercentage", FieldType::Percent) },
        ],
    }
}

fn share(world: &Governed, deal: Deal, who: &str, percent: f64) -> Id {
    let user = world.org().user(who).unwrap().to_string();
    let fields = json!({"OpportunityId": deal.id, "SplitOwnerId": user, "SplitPercentage": percent});
    world.org().act(&Act::create(AVA, "OpportunitySplit", &fields)).unwrap()
}

/// The rows of a deal in this month's statement.
async fn shares(world: &Governed, deal: Deal) -> Vec<Row> {
    let made = world.handle().commission(Month::of(world.now())).await.unwrap().statement;
    made.rows.into_iter().filter(|row| row.deal == deal.record().to_string()).collect()
}

/// What each payee gets, and what that is together.
fn paid(world: &Governed, rows: &[Row], who: &str) -> (String, String) {
    let sum = |own: &dyn Fn(&&Row) -> bool| {
        let sum: Decimal = rows.iter().filter(own).filter_map(|row| row.amount).sum();
        sum.normalize().to_string()
    };
    let user = world.org().user(who).unwrap().to_string();
    (sum(&|row| row.payee == user), sum(&|_| true))
}

fn told(own: &str) -> (String, String) {
    (own.to_owned(), "1000.01".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn several_people_share_what_a_deal_pays_and_nothing_of_it_is_lost() {
    let mapping = edited("salesforce/h03-ae-to-onboarding.toml", |table| {
        put(
            table,
            "[pay]\namount = { field = \"Amount\", currency = \"EUR\" }\npayee = { field = \"OwnerId\" }\n\
             splits = { related = \"OpportunitySplits\", payee = \"SplitOwnerId\", percent = \"SplitPercentage\" }\n",
        );
    });
    let mut world = Governed::prepare(Options { files: vec![mapping], ..Options::default() }).await;
    if world.org().query("SELECT Id FROM OpportunitySplit").is_err() {
        world.org().add_object(splits());
    }
    world.begin().await.unwrap();
    let deal = world.full_deal("Shared");
    world.edit(AVA, deal, &json!({"Amount": 1_000.01}));
    share(&world, deal, AVA, 33.33);
    let second = share(&world, deal, LUIS, 33.33);
    world.pass().await;
    let rows = shares(&world, deal).await;
    assert_eq!(rows.iter().map(|row| row.state).collect::<Vec<_>>(), [State::Refused]);
    let why = rows[0].hold_reason.as_deref().unwrap();
    assert_eq!(why, "the splits sum to 66.66 %, not 100: correct the split rows");

    share(&world, deal, INGRID, 33.34);
    world.edit(AVA, deal, &json!({"NextStep": "shares agreed"}));
    world.pass().await;
    let rows = shares(&world, deal).await;
    assert!(rows.iter().all(|row| row.state == State::Held), "{rows:?}");
    assert_eq!(paid(&world, &rows, LUIS), told("333.303333"));
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    let rows = shares(&world, deal).await;
    assert!(rows.iter().all(|row| row.state == State::Cleared), "{rows:?}");
    assert_eq!(paid(&world, &rows, INGRID), told("333.403334"));

    // A share that is changed afterwards is no edit of the package: the acceptance holds, and the statement follows.
    let fields = json!({"SplitOwnerId": world.org().user(AVA).unwrap().to_string()});
    world.org().act(&Act::update(AVA, "OpportunitySplit", second, &fields)).unwrap();
    world.edit(AVA, deal, &json!({"NextStep": "Luis left"}));
    world.pass().await;
    let rows = shares(&world, deal).await;
    assert_eq!(paid(&world, &rows, AVA), told("666.606666"));
    assert_eq!(paid(&world, &rows, LUIS), told("0"));
    assert!(world.flag(deal, COMMISSION));
    world.assert_balanced();
    world.stop().await;
}

/// A company whose HubSpot deals may be shared.
async fn portal() -> Governed {
    let mapping = edited("hubspot/h03-ae-to-onboarding.toml", |table| {
        put(
            table,
            "[pay.splits]\nrelated = \"deal_splits\"\npayee = \"hubspot_owner_id\"\npercent = \"hs_deal_split_percentage\"\n",
        );
    });
    Governed::start(Options { files: vec![mapping], ..hubspot() }).await
}

/// Who gets what of a HubSpot deal.
fn parts(world: &Governed, rows: &[Row], who: &[&str]) -> Vec<String> {
    let owner = |login: &&str| format!("owner:{}", world.portal().owner_id(login).unwrap());
    let part = |login: &&str| {
        let own: Vec<&Row> = rows.iter().filter(|row| row.payee == owner(login)).collect();
        assert_eq!(own.len(), 1, "{login}: {rows:?}");
        own[0].amount.unwrap().to_string()
    };
    assert_eq!(rows.len(), who.len(), "{rows:?}");
    who.iter().map(part).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_who_share_a_hubspot_deal_get_their_exact_parts_and_others_all_of_theirs() {
    let world = portal().await;
    let (deal, alone) = (world.full_deal("Shared"), world.full_deal("Alone"));
    world.edit(AVA, deal, &json!({"amount": "1000.01"}));
    world.portal().split(deal.hs(), &[(AVA, "0.33333333"), (LUIS, "0.66666667")]).unwrap();
    world.pass().await;
    let rows = shares(&world, deal).await;
    assert!(rows.iter().all(|row| row.state == State::Held), "{rows:?}");
    for deal in [deal, alone] {
        world.accept(deal);
    }
    world.pass().await;
    let rows = shares(&world, deal).await;
    assert!(rows.iter().all(|row| row.state == State::Cleared), "{rows:?}");
    assert_eq!(parts(&world, &rows, &[AVA, LUIS]), ["333.3366633333", "666.6733366667"]);
    assert_eq!(parts(&world, &shares(&world, alone).await, &[AVA]), ["84000"], "nobody shares it");
    let made = world.handle().commission(Month::of(world.now())).await.unwrap();
    let file = String::from_utf8(bytes(&world.state_dir(), &made, Format::Csv).unwrap()).unwrap();
    let lines: Vec<&str> = file.lines().filter(|line| line.contains(&deal.record().to_string())).collect();
    assert_eq!(lines.len(), 2, "{file}");
    for (login, part) in [(AVA, "333.3366633333"), (LUIS, "666.6733366667")] {
        let owner = format!("owner:{}", world.portal().owner_id(login).unwrap());
        assert!(lines.iter().any(|line| line.contains(&owner) && line.contains(part)), "{login}: {lines:?}");
    }

    // Shared otherwise afterwards: no edit of the package, and the statement follows.
    world.portal().split(deal.hs(), &[(AVA, "0.5"), (INGRID, "0.25"), (LUIS, "0.25")]).unwrap();
    world.pass().await;
    let rows = shares(&world, deal).await;
    let now: Vec<Row> =
        rows.into_iter().filter(|row| row.amount.is_some_and(|part| !part.is_zero())).collect();
    assert_eq!(parts(&world, &now, &[AVA, INGRID, LUIS]), ["500.005", "250.0025", "250.0025"]);
    assert!(world.flag(deal, COMMISSION));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_tells_who_shares_a_hubspot_deal_nobody_is_paid_all_of_it() {
    let world = portal().await;
    let scope = "crm.dealsplits.read_write".to_owned();
    world
        .portal()
        .plant(Fault::on_kind("splits", Action::MissingScopes { scopes: vec![scope] }).times(1_000));
    let deal = world.full_deal("Untold");
    world.portal().split(deal.hs(), &[(AVA, "0.5"), (LUIS, "0.5")]).unwrap();
    world.accept(deal);
    for _ in 0..3 {
        world.advance(60);
        world.ride(30).await;
    }
    assert_eq!(world.phase(deal), None, "the record waits");
    assert!(shares(&world, deal).await.is_empty());
    let view = world.handle().view().connections().remove(0);
    let circuit = format!("{:?}", view.transport.circuit);
    assert!(
        circuit.contains("crm.dealsplits.read_write") && circuit.contains("Sales Hub Enterprise"),
        "{circuit}"
    );

    world.portal().clear_faults();
    for _ in 0..10 {
        world.advance(60);
        world.ride(30).await;
    }
    assert!(world.phase(deal).is_some_and(|phase| phase != Phase::Draft));
    world.accept(deal);
    world.pass().await;
    assert_eq!(parts(&world, &shares(&world, deal).await, &[AVA, LUIS]), ["42000", "42000"]);
    world.assert_balanced();
}
