//! Checks of where pay is read from: plain names, one currency, nothing that we write ourselves.

use super::Complaint;
use super::mapping::write_targets;
use super::names::{api, is_api_name};
use crate::contract::Contract;
use crate::mapping::Mapping;
use crate::registry::quoted;

pub(super) fn pay(mapping: &Mapping, _: &Contract, found: &mut Vec<Complaint>) {
    let Some(pay) = &mapping.pay else { return };
    if pay.amount.is_none() && pay.payee.is_none() && pay.splits.is_none() {
        let remedy = "add amount, payee or splits, or remove [pay]";
        found.push(Complaint::new(&["pay"], "[pay] names nothing", remedy));
    }
    if let Some(amount) = &pay.amount {
        api(&["pay", "amount", "field"], &amount.field, found);
        if let Some(field) = &amount.currency_field {
            api(&["pay", "amount", "currency_field"], field, found);
        }
        let plain = |code: &String| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if let Some(code) = amount.currency.as_ref().filter(|code| !plain(code)) {
            let message = format!("{} is not a currency", quoted(code));
            found.push(Complaint::new(
                &["pay", "amount", "currency"],
                message,
                "write an ISO 4217 code like \"EUR\"",
            ));
        }
        if amount.currency.is_some() && amount.currency_field.is_some() {
            let message = "the currency is both fixed and read from a field";
            found.push(Complaint::new(&["pay", "amount", "currency"], message, "write one of them"));
        }
    }
    if let Some(payee) = &pay.payee {
        api(&["pay", "payee", "field"], &payee.field, found);
    }
    if let Some(splits) = &pay.splits {
        let columns = [("related", &splits.related), ("payee", &splits.payee), ("percent", &splits.percent)];
        for (key, name) in columns {
            api(&["pay", "splits", key], name, found);
        }
        for (name, value) in &splits.matching {
            let plain = !value.is_empty() && value.len() <= 255 && !value.chars().any(char::is_control);
            if !is_api_name(name) || !plain {
                let message =
                    format!("{} must be an API name that equals one line of 1 to 255 bytes", quoted(name));
                found.push(Complaint::new(&["pay", "splits", "where"], message, "correct the condition"));
            }
        }
    }
    for (_, written) in write_targets(mapping) {
        if pay.fields().any(|name| name.eq_ignore_ascii_case(written)) {
            let message = format!("{} is written by us, so pay cannot be read from it", quoted(written));
            found.push(Complaint::new(&["pay"], message, "name the field that people fill"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::mapping as judged;
    use crate::registry::{Registry, parse_mapping, shipped};

    fn complaints(pay: &str) -> Vec<String> {
        let registry = Registry::load(shipped()).unwrap();
        let good = registry.mapping("salesforce/h03-ae-to-onboarding").unwrap();
        let contract = &registry.contract_of(good).unwrap().contract;
        let text =
            shipped().find(|(path, _)| path.ends_with("salesforce/h03-ae-to-onboarding.toml")).unwrap().1;
        let rest = text.split("\n[pay]\n").next().unwrap();
        let mapping = parse_mapping("m", &format!("{rest}\n{pay}")).unwrap();
        judged(&mapping, contract).into_iter().map(|found| found.message).collect()
    }

    #[test]
    fn h03_only_plain_names_of_pay_reach_a_query() {
        let good = "[pay]\namount = { field = \"Amount\", currency_field = \"CurrencyIsoCode\" }\npayee = { field = \"Payee__c\" }\n\
                    splits = { related = \"OpportunitySplits\", payee = \"SplitOwnerId\", percent = \"SplitPercentage\", where = { Type = \"Revenue\" } }\n";
        assert_eq!(complaints(good), Vec::<String>::new());
        for (from, to) in [
            ("Amount", "Id FROM User"),
            ("CurrencyIsoCode", "A,B"),
            ("Payee__c", "A.B"),
            ("OpportunitySplits", "X) FROM Y"),
            ("SplitOwnerId", "a'b"),
            ("SplitPercentage", ""),
            ("Type =", "\"Type = 'x' OR Id\" ="),
        ] {
            assert_eq!(complaints(&good.replace(from, to)).len(), 1, "{from}");
        }
    }

    #[test]
    fn odd_pay_is_named() {
        assert_eq!(complaints("[pay]\n"), ["[pay] names nothing"]);
        assert!(
            complaints("[pay]\namount = { field = \"Amount\", currency = \"Euro\" }\n")[0]
                .contains("not a currency")
        );
        let both = "[pay]\namount = { field = \"Amount\", currency = \"EUR\", currency_field = \"C__c\" }\n";
        assert!(complaints(both)[0].contains("both fixed and read"));
        let own = "[pay]\namount = { field = \"Handoff_03_Commission_Number__c\" }\n";
        assert!(complaints(own)[0].contains("written by us"));
    }
}
