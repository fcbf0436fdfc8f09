//! Pay that several people share, read over the wire: rows of the deal say who gets which part, and together they are the amount.

use handoff_measure::ledger::{Month, Row, State};
use handoff_sandbox_salesforce::{Act, FieldSpec, FieldType, Id, ObjectSpec};
use handoffd_tests::crm::Deal;
use handoffd_tests::files::{edited, put};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, INGRID, LUIS};
use serde_json::{Value, json};

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

/// Payee, percent and amount of each row of a deal.
async fn shares(world: &Governed, deal: Deal) -> (Vec<(String, String, String)>, Vec<Row>) {
    let made = world.handle().commission(Month::of(world.now())).await.unwrap().statement;
    let rows: Vec<Row> = made.rows.into_iter().filter(|row| row.deal == deal.record().to_string()).collect();
    let text = |number: Option<rust_decimal::Decimal>| number.map_or_else(String::new, |n| n.to_string());
    let told = rows.iter().map(|row| (row.payee.clone(), text(row.percent), text(row.amount))).collect();
    (told, rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn several_people_share_what_a_deal_pays_to_the_cent() {
    let mapping = edited("salesforce/h03-ae-to-onboarding.toml", |table| {
        put(
            table,
            "[pay]\namount = { field = \"Amount\", currency = \"EUR\" }\npayee = { field = \"OwnerId\" }\n\
             splits = { related = \"OpportunitySplits\", payee = \"SplitOwnerId\", percent = \"SplitPercentage\" }\n",
        );
    });
    let mut world = Governed::prepare(Options { files: vec![mapping], ..Options::default() }).await;
    world.org().add_object(splits());
    world.begin().await.unwrap();
    let deal = world.full_deal("Shared");
    world.edit(AVA, deal, &json!({"Amount": 1_000.01}));
    share(&world, deal, AVA, 33.33);
    let second = share(&world, deal, LUIS, 33.33);
    world.pass().await;
    let entry = |rows: &[Row]| rows.iter().map(|row| row.state).collect::<Vec<_>>();
    let (_, rows) = shares(&world, deal).await;
    eprintln!("NOT 100: {rows:#?}");

    share(&world, deal, INGRID, 33.34);
    world.edit(AVA, deal, &json!({"NextStep": "shares agreed"}));
    world.pass().await;
    let (told, rows) = shares(&world, deal).await;
    eprintln!("100: {told:?}");
    assert_eq!(entry(&rows), [State::Held; 3]);
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    let (told, rows) = shares(&world, deal).await;
    eprintln!("CLEARED: {told:?}");
    assert_eq!(entry(&rows), [State::Cleared; 3]);
    let sum: rust_decimal::Decimal = rows.iter().filter_map(|row| row.amount).sum();
    assert_eq!(sum.normalize().to_string(), "1000.01");

    // A share that is changed afterwards is no edit of the package: the acceptance holds, and the statement follows.
    let fields: Value = json!({"SplitOwnerId": world.org().user(AVA).unwrap().to_string()});
    world.org().act(&Act::update(AVA, "OpportunitySplit", second, &fields)).unwrap();
    world.edit(AVA, deal, &json!({"NextStep": "Luis left"}));
    world.pass().await;
    let (told, rows) = shares(&world, deal).await;
    eprintln!("CHANGED: {told:?} {:?}", entry(&rows));
    assert!(world.flag(deal, COMMISSION));
    world.assert_balanced();
    world.stop().await;
}
