//! The six handoffs as people fill them in each CRM: records of every kind, where each part of each field stands, and how somebody acts on it.

pub mod face;
pub mod govern;
pub mod hubspot;
pub mod people;
pub mod salesforce;
pub mod table;

use crate::crm::Kind;
use face::Face;
use table::Scene;

/// A vendor's face.
pub fn face(kind: Kind) -> &'static dyn Face {
    match kind {
        Kind::Salesforce => &salesforce::Org,
        Kind::Hubspot => &hubspot::Hub,
    }
}

/// The whole package of a handoff, by its number from 1 to 6.
pub fn scene(kind: Kind, number: u8) -> Scene {
    let scenes: [fn() -> Scene; 6] = match kind {
        Kind::Salesforce => [
            salesforce::h01::scene,
            salesforce::h02::scene,
            salesforce::h03::scene,
            salesforce::h04::scene,
            salesforce::h05::scene,
            salesforce::h06::scene,
        ],
        Kind::Hubspot => [
            hubspot::h01::scene,
            hubspot::h02::scene,
            hubspot::h03::scene,
            hubspot::h04::scene,
            hubspot::h05::scene,
            hubspot::h06::scene,
        ],
    };
    scenes.get(usize::from(number) - 1).unwrap_or_else(|| panic!("there is no handoff {number}"))()
}

/// Handoff 04 where use and trainings are not in the CRM but come by signed feeds.
pub fn fed(kind: Kind) -> Scene {
    match kind {
        Kind::Salesforce => salesforce::h04::fed(),
        Kind::Hubspot => hubspot::h04::fed(),
    }
}
