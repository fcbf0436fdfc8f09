//! Pay that several people share, read over the wire: rows of the deal say who gets which part, and together they are the amount.

use handoff_measure::ledger::{Month, Row, State};
use handoff_sandbox_salesforce::{Act, FieldSpec, FieldType, Id, ObjectSpec};
use handoffd_tests::crm::Deal;
use handoffd_tests::files::{edited, put};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, INGRID, LUIS};
use rust_decimal::Decimal;
use serde_json::json;

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
