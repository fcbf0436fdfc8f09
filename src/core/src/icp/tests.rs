//! Who fits, who does not, and who cannot be judged.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn icp() -> Icp {
    toml::from_str(
        r#"
        version = "2026-Q4"
        names = { full = "Full", partial = "Partial", none = "None" }
        [criteria.industry]
        read = { field = "Industry" }
        any = ["Energy", "Utilities"]
        must = true
        [criteria.size]
        read = { field = "NumberOfEmployees" }
        at_least = 200
        at_most = 5000
        [criteria.country]
        read = { field = "Country" }
        not = ["Atlantis"]
        "#,
    )
    .unwrap()
}

fn fit(values: &[(&str, &str)]) -> Option<Fit> {
    let values: BTreeMap<&str, &str> = values.iter().copied().collect();
    icp().fit(|path| values.get(path.field.as_deref()?).map(|value| (*value).to_owned()))
}

#[test]
fn a_record_fits_in_full_in_part_or_not_at_all() {
    let full = [("Industry", "energy "), ("NumberOfEmployees", "200"), ("Country", "DE")];
    assert_eq!(fit(&full), Some(Fit::Full));
    assert_eq!(
        fit(&[("Industry", "Energy"), ("NumberOfEmployees", "199"), ("Country", "DE")]),
        Some(Fit::Partial)
    );
    assert_eq!(fit(&[("Industry", "Energy"), ("NumberOfEmployees", "5001.0")]), Some(Fit::Partial));
    assert_eq!(
        fit(&[("Industry", "Energy"), ("NumberOfEmployees", "many"), ("Country", "DE")]),
        Some(Fit::Partial)
    );
    assert_eq!(
        fit(&[("Industry", "Retail"), ("NumberOfEmployees", "300"), ("Country", "DE")]),
        Some(Fit::None)
    );
    assert_eq!(fit(&[("Industry", "Retail")]), Some(Fit::None));
}

#[test]
fn what_is_not_known_is_no_judgement() {
    assert_eq!(fit(&[]), None);
    assert_eq!(fit(&[("Industry", "  ")]), None);
    assert_eq!(
        fit(&[("NumberOfEmployees", "300"), ("Country", "DE")]),
        None,
        "whether it must fit is not known"
    );
    assert_eq!(fit(&[("Industry", "Energy")]), Some(Fit::Partial), "what is not known does not make it full");
}

#[test]
fn a_changed_profile_has_another_stamp() {
    let mut icp = icp();
    let before = icp.stamp();
    assert!(before.starts_with("2026-Q4#") && before.len() == "2026-Q4#".len() + 8, "{before}");
    icp.names.full = "Yes".to_owned();
    assert_eq!(icp.stamp(), before, "what it is called is not what it says");
    icp.criteria.get_mut("size").unwrap().at_least = Some(201);
    assert_ne!(icp.stamp(), before);
}

proptest! {
    #[test]
    fn more_that_holds_never_fits_less(industry in "(Energy|Retail|)", size in "(10|300|junk|)", country in "(DE|Atlantis|)") {
        let with = |size: &str, country: &str| fit(&[("Industry", &industry), ("NumberOfEmployees", size), ("Country", country)]);
        if let (Some(now), Some(better)) = (with(&size, &country), with("300", "DE")) {
            prop_assert!(better >= now);
        }
    }

    #[test]
    fn any_value_is_judged(value in any::<String>()) {
        let _ = fit(&[("Industry", &value), ("NumberOfEmployees", &value), ("Country", &value)]);
    }
}
