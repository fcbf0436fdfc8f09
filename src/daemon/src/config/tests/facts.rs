//! What a CRM shall tell of accounts.

use super::{GOOD, judged};

const FACTS: &str = r#"
[[facts]]
connection = "sf"
object = "Account"
account = { arr = "ARR__c", currency = "EUR", churned_at = "Left__c" }

[[facts]]
connection = "sf"
object = "NPS__c"
survey = { score = "Score__c", answered_at = "At__c" }
of = "Account__c"
account_object = "Account"

[connection.gong]
connector = "gong"
login_url = "https://us-12345.api.gong.io"
auth = { kind = "access_key", key = { env = "A" }, secret = { env = "B" } }
"#;

#[test]
fn an_entry_names_a_crm_and_tells_one_thing() {
    let good = format!("{GOOD}{FACTS}");
    assert_eq!(judged(&good).map(|_| ()), Ok(()));
    for (old, new, wanted) in [
        (
            "connection = \"sf\"\nobject = \"Account\"",
            "connection = \"xy\"\nobject = \"Account\"",
            "\"xy\" is not configured",
        ),
        (
            "connection = \"sf\"\nobject = \"Account\"",
            "connection = \"gong\"\nobject = \"Account\"",
            "\"gong\" is no CRM",
        ),
        ("of = \"Account__c\"\n", "", "an answer needs one way to its account"),
        ("account_object = \"Account\"\n", "", "whose object an answer's account is, is not said"),
        (
            "account = { arr",
            "survey = { score = \"a\", answered_at = \"b\" }\naccount = { arr",
            "about accounts or about answers",
        ),
    ] {
        assert!(good.contains(old), "{old}");
        let told = judged(&good.replacen(old, new, 1)).unwrap_err().join("\n");
        assert!(told.contains(wanted), "{told}");
    }
}
