//! The two ways in which HubSpot's addresses are written (facts/hubspot §1).

use std::fmt;

/// The API version that is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// `/crm/v3` with associations of `/crm/v4`: writes are not held to the portal's own rules. Unsupported from 2027.
    V3,
    /// The dated version of September 2026: writes obey conditional required properties.
    #[default]
    V2026_09,
}

impl Dialect {
    /// Reads `v3` or `2026-09`, as configuration writes it; `None` = another version.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "v3" => Some(Self::V3),
            "2026-09" => Some(Self::V2026_09),
            _ => None,
        }
    }

    /// As configuration writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::V2026_09 => "2026-09",
        }
    }

    /// Records of an object.
    pub(crate) fn objects(self, object: &str) -> String {
        match self {
            Self::V3 => format!("/crm/v3/objects/{object}"),
            Self::V2026_09 => format!("/crm/objects/2026-09/{object}"),
        }
    }

    /// Associations between two objects.
    pub(crate) fn associations(self, from: &str, to: &str) -> String {
        match self {
            Self::V3 => format!("/crm/v4/associations/{from}/{to}"),
            Self::V2026_09 => format!("/crm/associations/2026-09/{from}/{to}"),
        }
    }

    /// Splits of deals.
    pub(crate) fn splits(self) -> &'static str {
        match self {
            Self::V3 => "/crm/objects/v3/deals/splits",
            Self::V2026_09 => "/deal-splits/2026-09",
        }
    }

    /// Definitions of an object's properties.
    pub(crate) fn properties(self, object: &str) -> String {
        match self {
            Self::V3 => format!("/crm/v3/properties/{object}"),
            Self::V2026_09 => format!("/crm/properties/2026-09/{object}"),
        }
    }

    /// The schema of an object that the portal defined itself.
    pub(crate) fn schema(self, object: &str) -> String {
        match self {
            Self::V3 => format!("/crm/v3/schemas/{object}"),
            Self::V2026_09 => format!("/crm-object-schemas/2026-09/schemas/{object}"),
        }
    }

    /// Pipelines of an object.
    pub(crate) fn pipelines(self, object: &str) -> String {
        match self {
            Self::V3 => format!("/crm/v3/pipelines/{object}"),
            Self::V2026_09 => format!("/crm/pipelines/2026-09/{object}"),
        }
    }

    /// Rules of one pipeline; `None` = this version has none.
    pub(crate) fn pipeline_rules(self, object: &str, pipeline: &str) -> Option<String> {
        match self {
            Self::V3 => None,
            Self::V2026_09 => Some(format!("/crm/pipelines-rules/2026-09/{object}/{pipeline}")),
        }
    }

    /// Owners.
    pub(crate) fn owners(self) -> &'static str {
        match self {
            Self::V3 => "/crm/v3/owners",
            Self::V2026_09 => "/crm/owners/2026-09",
        }
    }

    /// Details of the account that the token is for.
    pub(crate) fn account(self) -> &'static str {
        match self {
            Self::V3 => "/account-info/v3/details",
            Self::V2026_09 => "/account-info/2026-09/details",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_written_as_it_is_read() {
        for dialect in [Dialect::V3, Dialect::V2026_09] {
            assert_eq!(Dialect::parse(&dialect.to_string()), Some(dialect));
        }
        assert_eq!(Dialect::parse("2026-03"), None);
        assert_eq!(Dialect::default().objects("deals"), "/crm/objects/2026-09/deals");
        assert_eq!(Dialect::V3.associations("deals", "contacts"), "/crm/v4/associations/deals/contacts");
        assert_eq!(Dialect::V3.pipeline_rules("0-3", "default"), None);
    }
}
