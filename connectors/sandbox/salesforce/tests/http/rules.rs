use handoff_sandbox_salesforce::{Act, ActorKind, Conversion, Error, Id, SaveError, seed};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{AE, LEAD, Site};

const GATE: &str = "FIELD_CUSTOM_VALIDATION_EXCEPTION";
const WON: &str = "Closed Won";

fn codes(error: Error) -> Vec<String> {
    let Error::Refused(errors) = error else { panic!("{error}") };
    errors.into_iter().map(|error: SaveError| error.code).collect()
}

fn won(deal: Id, kind: ActorKind) -> Act {
    Act::update(AE, "Opportunity", deal, &json!({"StageName": WON})).by(kind)
}

#[tokio::test]
async fn the_gate_stops_saves_that_run_rules_and_only_those() {
    let site = Site::start().await;
    for (kind, stopped) in [
        (ActorKind::Ui, true),
        (ActorKind::Api, true),
        (ActorKind::Import, true),
        (ActorKind::Apex, true),
        (ActorKind::Workflow, false),
        (ActorKind::Approval, false),
    ] {
        let deal = site.deal("x").await;
        let outcome = site.org().act(&won(deal, kind));
        assert_eq!(outcome.is_err(), stopped, "{kind:?}");
        assert_eq!(site.org().field(deal, "IsWon"), json!(!stopped), "{kind:?}");
    }
    let at_once = json!({"Name": "n", "CloseDate": "2026-12-01", "StageName": WON});
    let refused = site.org().act(&Act::create(AE, "Opportunity", &at_once)).unwrap_err();
    assert_eq!(codes(refused), [GATE], "a deal created as won passes no gate");
    let reply = site.call(Method::POST, "sobjects/Opportunity", &at_once).await;
    assert_eq!((reply.status, reply.json()[0]["fields"].clone()), (400, json!(["StageName"])));
}

#[tokio::test]
async fn an_open_gate_lets_the_deal_through_and_derives_its_fields() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let path = format!("sobjects/Opportunity/{deal}");
    assert_eq!(site.call(Method::PATCH, &path, &json!({"Handoff_03_Stage_Open__c": true})).await.status, 204);
    site.org().act(&won(deal, ActorKind::Ui)).unwrap();
    let row = site.org().get(deal).unwrap();
    let got = |name: &str| row[name].clone();
    assert_eq!((got("IsWon"), got("IsClosed"), got("Probability")), (json!(true), json!(true), json!(100.0)));
    assert_eq!((got("ForecastCategory"), got("ExpectedRevenue")), (json!("Closed"), json!(1000.0)));
}

#[tokio::test]
async fn only_the_writer_opens_a_gate_even_among_admins() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let open = json!({"Handoff_03_Commission_Open__c": true});
    let by_rep = site.org().act(&Act::update(AE, "Opportunity", deal, &open)).unwrap_err();
    let Error::Refused(errors) = by_rep else { panic!() };
    assert_eq!(
        errors[0].message,
        "Unable to create/update fields: Handoff_03_Commission_Open__c. Please check the security settings of this \
         field and verify that it is read/write for your profile or permission set."
    );
    assert_eq!(
        (errors[0].code.as_str(), errors[0].fields.as_slice()),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", &["Handoff_03_Commission_Open__c".to_owned()][..])
    );
    let by_admin = site.org().act(&Act::update(seed::ADMIN_USER, "Opportunity", deal, &open)).unwrap_err();
    assert_eq!(codes(by_admin), [GATE]);
    site.org().act(&Act::update(seed::INTEGRATION_USER, "Opportunity", deal, &open)).unwrap();
    let shut = json!({"Handoff_03_Commission_Open__c": false});
    site.org().act(&Act::update(seed::ADMIN_USER, "Opportunity", deal, &shut)).unwrap();
    let mut both = open.clone();
    both["StageName"] = json!(WON);
    let several = site.org().act(&Act::update(seed::ADMIN_USER, "Opportunity", deal, &both)).unwrap_err();
    assert_eq!(codes(several), [GATE, GATE], "every rule that fires has its own entry");
}

#[tokio::test]
async fn a_clone_by_an_admin_copies_the_flag_and_is_stopped() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let open = json!({"Handoff_03_Commission_Open__c": true});
    site.org().act(&Act::update(seed::INTEGRATION_USER, "Opportunity", deal, &open)).unwrap();
    assert_eq!(codes(site.org().clone_record(seed::ADMIN_USER, deal, &json!({})).unwrap_err()), [GATE]);
    let copy = site.org().clone_record(AE, deal, &json!({"Name": "copy"})).unwrap();
    assert_eq!(site.org().field(copy, "Handoff_03_Commission_Open__c"), json!(false));
}

#[tokio::test]
async fn history_says_who_answered_and_when() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    site.org().advance(61);
    site.org()
        .act(&Act::update(LEAD, "Opportunity", deal, &json!({"Handoff_03_Decision__c": "Accept"})))
        .unwrap();
    let soql = format!(
        "SELECT Field, OldValue, NewValue, CreatedById, CreatedDate FROM OpportunityFieldHistory \
         WHERE OpportunityId = '{deal}' ORDER BY CreatedDate, Id"
    );
    let rows = site.query(&soql).await["records"].clone();
    assert_eq!(rows[0]["Field"], "created");
    let answer = &rows[1];
    assert_eq!(
        (answer["Field"].as_str(), answer["NewValue"].as_str()),
        (Some("Handoff_03_Decision__c"), Some("Accept"))
    );
    assert_eq!(answer["CreatedById"], json!(site.org().user(LEAD).unwrap()));
    assert_eq!(answer["CreatedDate"], "2026-11-20T09:01:01.000+0000");
    site.org().act(&won(deal, ActorKind::Workflow)).unwrap();
    let stages = site
        .query(&format!(
            "SELECT StageName FROM OpportunityHistory WHERE OpportunityId = '{deal}' ORDER BY Id"
        ))
        .await;
    let stages: Vec<&str> =
        stages["records"].as_array().unwrap().iter().filter_map(|row| row["StageName"].as_str()).collect();
    assert_eq!(stages, ["Prospecting", WON]);
}

#[tokio::test]
async fn undelete_brings_a_row_and_its_children_back_without_rules() {
    let site = Site::start().await;
    let roles = site.query("SELECT OpportunityId FROM OpportunityContactRole LIMIT 1").await;
    let deal = Id::parse(roles["records"][0]["OpportunityId"].as_str().unwrap()).unwrap();
    let count = format!("SELECT Id FROM OpportunityContactRole WHERE OpportunityId = '{deal}'");
    let before = site.query(&count).await["totalSize"].clone();
    site.org().delete(AE, deal).unwrap();
    assert_eq!(site.query(&count).await["totalSize"], 0);
    site.org().advance(5);
    site.org().undelete(AE, deal).unwrap();
    assert_eq!(site.query(&count).await["totalSize"], before);
    assert!(site.org().undelete(AE, deal).is_err());
    site.org().hard_delete(AE, deal).unwrap();
    assert_eq!(site.org().get(deal), None);
}

#[tokio::test]
async fn a_merge_points_losers_at_the_master_and_moves_their_deals() {
    let site = Site::start().await;
    let rows =
        site.query("SELECT Id, AccountId FROM Opportunity ORDER BY Id LIMIT 2").await["records"].clone();
    let id = |row: &Json| Id::parse(row["AccountId"].as_str().unwrap()).unwrap();
    let (loser, master) = (id(&rows[0]), id(&rows[1]));
    site.org().merge(AE, master, &[loser]).unwrap();
    assert_eq!(site.org().field(loser, "MasterRecordId"), json!(master));
    assert_eq!(site.org().field(loser, "IsDeleted"), json!(true));
    let moved = site.query(&format!("SELECT Id FROM Opportunity WHERE AccountId = '{loser}'")).await;
    assert_eq!(moved["totalSize"], 0);
}

#[tokio::test]
async fn lead_conversion_skips_the_gate_unless_the_org_demands_it() {
    let site = Site::start().await;
    let leads = site.query("SELECT Id FROM Lead ORDER BY Id LIMIT 1").await;
    let lead = Id::parse(leads["records"][0]["Id"].as_str().unwrap()).unwrap();
    let wish =
        Conversion { lead, account: None, no_opportunity: false, opportunity: json!({"StageName": WON}) };
    let converted = site.org().convert_lead(AE, &wish).unwrap();
    assert_eq!(site.org().field(converted.opportunity.unwrap(), "IsWon"), json!(true));
    assert_eq!(site.org().field(lead, "ConvertedAccountId"), json!(converted.account));
    assert!(site.org().convert_lead(AE, &wish).is_err());
}
