//! The company that every sandbox plays: its people and its customers, the same in each vendor's system.

/// E-mail address of the system administrator, Sam Okafor.
pub const ADMIN: &str = "sysadmin@northwind-peak.example";

/// Which team a person works in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Team {
    /// Account executives: the senders of handoff 03.
    Sales,
    /// Sales development.
    Development,
    /// Onboarding leads: the receivers of handoff 03.
    Onboarding,
    /// Customer success.
    Success,
    /// Finance.
    Finance,
}

/// One seeded person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// First name.
    pub first: &'static str,
    /// Last name.
    pub last: &'static str,
    /// Job title.
    pub title: &'static str,
    /// Team.
    pub team: Team,
    /// User name and e-mail address.
    pub username: &'static str,
}

const fn person(
    first: &'static str,
    last: &'static str,
    title: &'static str,
    team: Team,
    username: &'static str,
) -> Person {
    Person { first, last, title, team, username }
}

/// Everybody but the administrator and the integration user, in the order in which every sandbox makes them.
pub const PEOPLE: [Person; 11] = [
    person("Ava", "Lindqvist", "Account Executive", Team::Sales, "ava.lindqvist@northwind-peak.example"),
    person("Marco", "Silva", "Account Executive", Team::Sales, "marco.silva@northwind-peak.example"),
    person("Priya", "Raman", "Senior Account Executive", Team::Sales, "priya.raman@northwind-peak.example"),
    person("Jonas", "Weber", "Account Executive", Team::Sales, "jonas.weber@northwind-peak.example"),
    person("Nia", "Mensah", "Sales Development Rep", Team::Development, "nia.mensah@northwind-peak.example"),
    person("Tom", "Harrow", "Sales Development Rep", Team::Development, "tom.harrow@northwind-peak.example"),
    person("Ingrid", "Moen", "Onboarding Lead", Team::Onboarding, "ingrid.moen@northwind-peak.example"),
    person("Luis", "Ortega", "Onboarding Lead", Team::Onboarding, "luis.ortega@northwind-peak.example"),
    person(
        "Grace",
        "Adeyemi",
        "Customer Success Manager",
        Team::Success,
        "grace.adeyemi@northwind-peak.example",
    ),
    person("Henrik", "Dahl", "Customer Success Manager", Team::Success, "henrik.dahl@northwind-peak.example"),
    person(
        "Claire",
        "Fontaine",
        "Commission Analyst",
        Team::Finance,
        "claire.fontaine@northwind-peak.example",
    ),
];

/// Customers: name, industry, employees, city.
pub const ACCOUNTS: [(&str, &str, i64, &str); 25] = [
    ("Alderbrook Logistics", "Transportation", 850, "Leeds"),
    ("Brightwater Dental Group", "Healthcare", 210, "Bristol"),
    ("Cobalt Ridge Insurance", "Insurance", 1900, "Hartford"),
    ("Driftwood Foods", "Manufacturing", 640, "Porto"),
    ("Eastmoor Energy Services", "Energy", 1200, "Aberdeen"),
    ("Fennel & Vine Retail", "Retail", 480, "Lyon"),
    ("Glasshouse Media Works", "Media", 130, "Berlin"),
    ("Harbourline Freight", "Transportation", 2300, "Rotterdam"),
    ("Ironvale Components", "Manufacturing", 1750, "Sheffield"),
    ("Juniper Park Schools", "Education", 320, "Dublin"),
    ("Kestrel Field Robotics", "Technology", 95, "Delft"),
    ("Larkspur Credit Union", "Banking", 410, "Portland"),
    ("Mossgate Pharma", "Biotechnology", 720, "Basel"),
    ("Northlake Utilities", "Utilities", 2600, "Tampere"),
    ("Oakhollow Builders", "Construction", 540, "Denver"),
    ("Pebblecreek Telecom", "Telecommunications", 880, "Austin"),
    ("Quillstone Publishing", "Media", 160, "Madrid"),
    ("Redfern Hospitality", "Other", 1400, "Lisbon"),
    ("Stonebridge Analytics", "Technology", 260, "Toronto"),
    ("Tidewell Marine", "Manufacturing", 390, "Bergen"),
    ("Umberfield Farms", "Agriculture", 700, "Ghent"),
    ("Vantage Hill Consulting", "Consulting", 120, "Zurich"),
    ("Willowmere Care Homes", "Healthcare", 980, "Leicester"),
    ("Yarrow Street Finance", "Finance", 330, "Edinburgh"),
    ("Zephyr Coast Airways", "Transportation", 3100, "Valencia"),
];

/// People at customers: first name, last name, job title.
pub const CONTACTS: [(&str, &str, &str); 12] = [
    ("Elena", "Marsh", "Chief Financial Officer"),
    ("Peter", "Novak", "VP Operations"),
    ("Sofia", "Bergstrom", "Head of IT"),
    ("Daniel", "Achterberg", "Chief Operating Officer"),
    ("Ruth", "Castellan", "Director of Customer Service"),
    ("Omar", "Haddad", "Procurement Manager"),
    ("Mei", "Tanaka", "VP Finance"),
    ("Gareth", "Pryce", "Operations Manager"),
    ("Louise", "Dupont", "Head of Digital"),
    ("Viktor", "Soren", "Managing Director"),
    ("Amara", "Nwosu", "Programme Lead"),
    ("Felix", "Brandt", "IT Director"),
];
