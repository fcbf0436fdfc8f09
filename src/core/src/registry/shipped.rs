//! The contracts and mappings inside the program: a start needs no files.

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../mappings/", $path)))),*]
    };
}

const FILES: &[(&str, &str)] = files![
    "contracts/h01-marketing-to-sdr.v1.toml",
    "contracts/h02-sdr-to-ae.v1.toml",
    "contracts/h03-ae-to-onboarding.v1.toml",
    "contracts/h04-onboarding-to-cs.v1.toml",
    "contracts/h05-csm-to-support.v1.toml",
    "contracts/h06-motion-a-to-motion-b.v1.toml",
    "gong/h03-ae-to-onboarding.toml",
    "hubspot/h01-marketing-to-sdr.toml",
    "hubspot/h02-sdr-to-ae.toml",
    "hubspot/h03-ae-to-onboarding.toml",
    "hubspot/h04-onboarding-to-cs-fed.toml",
    "hubspot/h04-onboarding-to-cs.toml",
    "hubspot/h05-csm-to-support.toml",
    "hubspot/h06-motion-a-to-motion-b.toml",
    "salesforce/h01-marketing-to-sdr.toml",
    "salesforce/h02-sdr-to-ae.toml",
    "salesforce/h03-ae-to-onboarding.toml",
    "salesforce/h04-onboarding-to-cs-fed.toml",
    "salesforce/h04-onboarding-to-cs.toml",
    "salesforce/h05-csm-to-support.toml",
    "salesforce/h06-motion-a-to-motion-b.toml",
    "signals.toml",
];

/// Every shipped contract and mapping: path under `mappings/`, text.
pub fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().copied()
}
