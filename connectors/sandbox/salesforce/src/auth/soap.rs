//! SOAP `login()`, which some clients still use to get a session.

use quick_xml::{Reader, escape::escape, events::Event};

use crate::{
    state::State,
    wire::{Call, Reply},
};

const XML: &str = "text/xml;charset=UTF-8";

/// `POST /services/Soap/u/{version}`.
pub(crate) fn login(state: &mut State, call: &Call) -> Reply {
    let text = String::from_utf8_lossy(&call.body);
    let name = element(&text, "username").unwrap_or_default();
    let password = element(&text, "password").unwrap_or_default();
    let Some(user) = state.log_in(&name, &password) else {
        return fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.");
    };
    let now = state.second();
    let token = state.sessions.open(state.org_id, user, "soap", now);
    let version = call.segments.last().cloned().unwrap_or_default();
    let server = format!("{}/services/Soap/u/{version}/{}", state.base_url, state.org_id);
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"urn:partner.soap.sforce.com\">\
         <soapenv:Body><loginResponse><result><metadataServerUrl>{server}</metadataServerUrl>\
         <passwordExpired>false</passwordExpired><sandbox>true</sandbox><serverUrl>{server}</serverUrl>\
         <sessionId>{}</sessionId><userId>{user}</userId><userInfo><organizationId>{}</organizationId>\
         <userId>{user}</userId><userName>{}</userName></userInfo></result></loginResponse></soapenv:Body>\
         </soapenv:Envelope>",
        escape(&token),
        state.org_id,
        escape(&name),
    );
    Reply::text(200, XML, body)
}

fn fault(code: &str, message: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:sf=\"urn:fault.partner.soap.sforce.com\">\
         <soapenv:Body><soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring>\
         <detail><sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode>\
         <sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>\
         </soapenv:Body></soapenv:Envelope>"
    );
    Reply::text(500, XML, body)
}

/// The text of the first element of that local name.
fn element(xml: &str, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    let mut inside = false;
    let mut found = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => inside = start.local_name().as_ref() == name,
            Event::Text(text) if inside => found.push_str(&text),
            Event::GeneralRef(entity) if inside => {
                found.push_str(quick_xml::escape::resolve_xml_entity(&entity).unwrap_or_default());
            }
            Event::End(_) if inside => return Some(found),
            Event::Eof => return None,
            Event::End(_)
            | Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}
