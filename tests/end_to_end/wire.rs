//! Deliveries written by hand.

use std::fmt::Write as _;
use std::time::Duration;

use handoff_sandbox_salesforce::Org;
use handoffd_tests::crm::{Deal, HOOK_SECRET};
use handoffd_tests::governed::Governed;

/// One notification of a message.
pub(crate) struct Notice {
    pub(crate) id: String,
    pub(crate) object: &'static str,
    pub(crate) record: String,
}

impl Notice {
    /// The `number`-th notification, about a deal.
    pub(crate) fn of(number: usize, deal: Deal) -> Self {
        Self { id: format!("04lxx{number:010}"), object: "Opportunity", record: deal.to_string() }
    }
}

/// A message as Salesforce sends it.
pub(crate) fn message(org: &Org, notices: &[Notice]) -> String {
    let mut all = String::new();
    for Notice { id, object, record } in notices {
        write!(
            all,
            "<Notification><Id>{id}</Id><sObject xsi:type=\"sf:{object}\" \
             xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\"><sf:Id>{record}</sf:Id></sObject></Notification>"
        )
        .unwrap();
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>\
         <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\"><OrganizationId>{}</OrganizationId>\
         <ActionId>04kxx0000000001AAA</ActionId><SessionId xsi:nil=\"true\"/>\
         <EnterpriseUrl>https://x.example</EnterpriseUrl><PartnerUrl>https://x.example</PartnerUrl>{all}\
         </notifications></soapenv:Body></soapenv:Envelope>",
        org.id()
    )
}

/// Where a world takes deliveries: the usual path with the right secret.
pub(crate) fn path() -> String {
    format!("/webhooks/sf/{HOOK_SECRET}")
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap()
}

/// Posts; the status.
pub(crate) async fn post(
    client: &reqwest::Client,
    world: &Governed,
    path: &str,
    body: impl Into<reqwest::Body>,
) -> u16 {
    let url = format!("http://{}{path}", world.app().local_addr());
    client.post(url).header("Content-Type", "text/xml").body(body).send().await.unwrap().status().as_u16()
}

/// Posts one message about deals, with numbered notifications; the status.
pub(crate) async fn tell(world: &Governed, notices: &[Notice]) -> u16 {
    post(&client(), world, &path(), message(world.org(), notices)).await
}
