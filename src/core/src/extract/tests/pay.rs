use super::*;
use crate::mapping::{AmountField, PayMapping, SplitRows, UserField};
use crate::value::Sourced;

fn mapped() -> Mapping {
    let own = str::to_owned;
    let amount =
        AmountField { field: own("Amount"), currency: None, currency_field: Some(own("CurrencyIsoCode")) };
    let splits = SplitRows {
        related: own("OpportunitySplits"),
        matching: BTreeMap::from([(own("Type"), own("Revenue"))]),
        payee: own("SplitOwnerId"),
        percent: own("SplitPercentage"),
    };
    let payee = Some(UserField { field: own("OwnerId") });
    Mapping { pay: Some(PayMapping { amount: Some(amount), payee, splits: Some(splits) }), ..pair().0 }
}

fn row(id: &str, kind: &str, payee: &str, percent: &Json) -> RelatedRow {
    let fields = json!({"Type": kind, "SplitOwnerId": payee, "SplitPercentage": percent});
    RelatedRow {
        record: reference("OpportunitySplit", id),
        stamp: None,
        fields: fields.as_object().unwrap().clone().into_iter().collect(),
    }
}

#[test]
fn amount_payee_and_shares_are_read_and_know_their_records() {
    let mapping = mapped();
    let mut raw = raw();
    raw.fields.insert("Amount".into(), json!("48000.50"));
    raw.fields.insert("CurrencyIsoCode".into(), json!("EUR"));
    let rows = vec![
        row("2", "Revenue", "005B", &json!("abc")),
        row("1", "Revenue", "005A", &json!(60.0)),
        row("3", "Overlay", "005C", &json!(100)),
    ];
    raw.related.insert("OpportunitySplits".into(), rows);
    let pay = extract(&mapping, &pair().1, &raw, &Book).pay.unwrap();
    let value = |sourced: &Option<Sourced>| sourced.as_ref().unwrap().value.clone();
    let amount = Value::Money { amount: "48000.5".parse().unwrap(), currency: Some("EUR".into()) };
    assert_eq!(value(&pay.amount), amount);
    assert_eq!(pay.splits.len(), 2, "rows of another kind share nothing");
    assert_eq!(pay.splits[0].percent.as_ref().unwrap().from, reference("OpportunitySplit", "1"));
    assert_eq!(value(&pay.splits[0].percent), Value::Number(Decimal::from(60)));
    assert_eq!(value(&pay.splits[1].percent), Value::Text("abc".into()), "what is no number stays text");
    let plan = read_plan(&mapping);
    assert!(["Amount", "CurrencyIsoCode", "OwnerId"].iter().all(|field| plan.fields.contains(*field)));
    let columns = ["SplitOwnerId", "SplitPercentage", "Type"].map(str::to_owned);
    assert_eq!(plan.related.get("OpportunitySplits"), Some(&BTreeSet::from(columns)));
}

#[test]
fn without_a_mapping_nothing_about_pay_is_seen() {
    let (mut mapping, contract) = pair();
    mapping.pay = None;
    let seen = extract(&mapping, &contract, &raw(), &Book);
    assert_eq!(seen.pay, None);
    assert_eq!(serde_json::to_value(seen).unwrap().get("pay"), None, "old logs keep their bytes");
}
