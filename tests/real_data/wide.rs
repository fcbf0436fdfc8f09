//! A wide table (`fivetran_salesforce`, leads with 382 columns): what no mapping names is neither asked for nor in the way.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use handoff_core::id::{ConnectionId, ContractId};
use handoff_sandbox_salesforce::{FieldSpec, FieldType};
use handoffd::config::Govern;
use handoffd::view::Filter;
use handoffd_tests::crm::SALESFORCE;

use crate::data::{bare, data};

#[tokio::test(flavor = "multi_thread")]
async fn e03_a_lead_with_hundreds_of_unknown_columns_is_read_like_any_other() {
    let Some(folder) = data("fivetran_salesforce") else { return };
    let file = folder.join("sf_lead_data.csv");
    let mut reader = csv::Reader::from_path(&file).unwrap();
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().count();
    assert_eq!((columns.len(), rows), (382, 1));

    let start = "2021-06-01T00:00:00Z".parse().unwrap();
    let mut world = bare(SALESFORCE, start, |_, text| text.to_owned(), &[]).await;
    world.config(|config| {
        config.govern = vec![Govern {
            contract: ContractId::from("h01-marketing-to-sdr"),
            mapping: "salesforce/h01-marketing-to-sdr".to_owned(),
            connection: ConnectionId::from("sf"),
            motion: None,
            governed_since: None,
            mode: BTreeMap::new(),
            on_bypass: BTreeMap::new(),
            reunify: None,
            max_writes_per_hour: None,
        }];
    });
    let name = |column: &str| format!("Wide_{}__c", column.trim_matches('_').replace("__", "_"));
    let wide = columns.iter().map(|column| FieldSpec::new(name(column), FieldType::String)).collect();
    world.org().add_fields("Lead", wide).unwrap();
    let mut mapping =
        "object = \"Lead\"\nformat = \"csv\"\n[constants]\nCompany = \"unknown\"\nStatus = \"Marketing Qualified\"\n[fields]\nLastName = \"id\"\n"
            .to_owned();
    for column in &columns {
        writeln!(mapping, "{} = \"{column}\"", name(column)).unwrap();
    }
    let scratch = tempfile::tempdir().unwrap();
    let how = scratch.path().join("leads.toml");
    std::fs::write(&how, mapping).unwrap();
    assert_eq!(world.company().first().load(&file, &how), rows);
    world.begin().await.unwrap();
    world.settle().await;
    let told = world.handle().view().handoffs(&Filter::default());
    assert_eq!(told.len(), rows);
    world.assert_balanced();
    world.stop().await;
}
