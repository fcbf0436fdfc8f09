//! A CRM as the stories need it: people save records in it, and what came of it can be read back. The stories speak the mapping's field names;
//! a face only knows how its vendor's sandbox is acted on.

use futures::future::BoxFuture;
use handoff_core::id::ConnectionId;
use handoff_core::mapping::Mapping;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::DemoError;

mod hubspot;
mod salesforce;

pub use hubspot::HubSpotFace;
pub use salesforce::SalesforceFace;

/// Fields of a record by the CRM's own names.
pub type Fields = Map<String, Value>;

/// What became of a save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// The CRM took it.
    Done,
    /// The CRM refused it, in its own words.
    Refused(String),
}

/// A new deal.
#[derive(Debug, Clone, Copy)]
pub struct NewDeal<'a> {
    /// Its name.
    pub name: &'a str,
    /// The CRM's stage value.
    pub stage: &'a str,
    /// Days until the close date.
    pub days: i64,
    /// The owner's login.
    pub sender: &'a str,
    /// The onboarding lead's login.
    pub receiver: &'a str,
}

/// A record of any object, as far as every CRM needs it to exist.
#[derive(Debug, Clone)]
pub struct NewRecord<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Who makes it.
    pub by: &'a str,
    /// Its object, by the CRM's name.
    pub object: &'a str,
    /// Stage, people and whatever else the mapping names.
    pub fields: Fields,
    /// The customer that it is about, if it exists already.
    pub customer: Option<&'a str>,
    /// The deal that it follows.
    pub deal: Option<&'a str>,
}

/// A record that stands: its object and its id.
pub type Place = (String, String);

/// A task of ours in somebody's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its one line.
    pub title: String,
    /// Its words.
    pub text: String,
    /// Its owner's id, as fields hold it.
    pub owner: Value,
    /// Whether it is to be done.
    pub open: bool,
}

/// One vendor's sandbox on the stage.
pub trait Crm: Send + Sync {
    /// The vendor's name.
    fn vendor(&self) -> &'static str;

    /// How the daemon calls the connection.
    fn connection(&self) -> &ConnectionId;

    /// Where handoff 03 lives in it.
    fn mapping(&self) -> &Mapping;

    /// What stands in a field, typed: a check-box is true or false.
    fn field(&self, deal: &str, field: &str) -> Value;

    /// Creates a deal of the sender's, with an empty package.
    fn create(&self, deal: &NewDeal<'_>) -> Result<String, DemoError>;

    /// Names two contacts of the customer as economic buyer and champion.
    fn name_contacts(&self, who: &str, deal: &str) -> Result<(), DemoError>;

    /// Somebody saves on the record's page, under every rule of the CRM.
    fn save(&self, who: &str, deal: &str, fields: &Fields) -> Result<Saved, DemoError>;

    /// A workflow saves, past every rule.
    fn workflow(&self, deal: &str, fields: &Fields) -> Result<(), DemoError>;

    /// What stands in a field of any record, typed: a check-box is true or false.
    fn stands(&self, object: &str, id: &str, field: &str) -> Value;

    /// Somebody saves on any record's page, under every rule of the CRM.
    fn edit(&self, who: &str, object: &str, id: &str, fields: &Fields) -> Result<Saved, DemoError>;

    /// A workflow saves on any record, past every rule.
    fn automate(&self, object: &str, id: &str, fields: &Fields) -> Result<(), DemoError>;

    /// A user's id, as fields hold it.
    fn user(&self, login: &str) -> Result<Value, DemoError>;

    /// A customer; its id.
    fn customer(&self, who: &str, name: &str) -> Result<String, DemoError>;

    /// Somebody at a customer; the id.
    fn contact(&self, who: &str, customer: &str, name: &str) -> Result<String, DemoError>;

    /// A record of any object, with a customer and a deal as the CRM ties them to it; its id.
    fn enter(&self, new: &NewRecord<'_>) -> Result<String, DemoError>;

    /// A record beside another one, under a relationship as mappings name it. `hs_object_id` names one that exists already, `label` how it is
    /// tied, where the CRM does so; both are the mapping's own words.
    fn relate(
        &self,
        who: &str,
        to: (&str, &str),
        relation: &str,
        fields: &Fields,
    ) -> Result<Place, DemoError>;

    /// The lead answers a campaign.
    fn respond(&self, who: &str, lead: &str, campaign: &str) -> Result<(), DemoError>;

    /// A question of a customer to support; its id.
    fn ask(&self, who: &str, customer: &str, question: &str) -> Result<String, DemoError>;

    /// Somebody called the customer and logs it on a record; the id of the call.
    fn call(&self, who: &str, about: (&str, &str), subject: &str) -> Result<String, DemoError>;

    /// Somebody writes to the customer from a case.
    fn write(&self, who: &str, case: &str, words: &str) -> Result<(), DemoError>;

    /// How healthy a customer is, out of a hundred.
    fn health(&self, who: &str, customer: &str, score: u32) -> Result<(), DemoError>;

    /// What happened to a customer, as mappings of signals read it.
    fn signal(&self, who: &str, customer: &str, what: &str) -> Result<(), DemoError>;

    /// The tasks that hang on a deal and stand for something that is owed, oldest first; `key` is the field that says what, by the mapping.
    fn tasks(&self, deal: &str, key: &str) -> Result<Vec<Task>, DemoError>;

    /// The rep gets, or loses, the right to fill in the receiver's answer.
    fn let_answer(&self, who: &str, may: bool) -> Result<(), DemoError>;

    /// An administrator gets, or loses, what it takes to set our flags by hand; false = the CRM has no such rule.
    fn let_write_flags(&self, may: bool) -> Result<bool, DemoError>;

    /// The administrator's login, and how the daemon's ledger names him.
    fn admin(&self) -> Result<(String, String), DemoError>;

    /// Writes received so far.
    fn writes(&self) -> usize;

    /// How many writes after the first `since` opened this flag of this deal, and how many shut it.
    fn flips(&self, since: usize, deal: &str, flag: &str) -> (usize, usize);

    /// Switches webhooks off or on.
    fn webhooks(&self, on: bool);

    /// Deliveries made so far.
    fn deliveries(&self) -> usize;

    /// Resolves when every delivery is made.
    fn settled(&self) -> BoxFuture<'_, ()>;

    /// The CRM's time.
    fn now(&self) -> Timestamp;

    /// Lets the CRM's time go on.
    fn advance(&self, seconds: i64);
}
