use super::*;
use crate::messages::MessageId;
use sessera_model::AssuranceLevel;

fn flow() -> Flow<LoginDetails> {
    let beginning = Beginning {
        id: Uuid::from_u128(1),
        transport: Transport::Api,
        now: Timestamp::from_seconds(100),
        expires_at: Timestamp::from_seconds(700),
        request_url: "http://localhost/self-service/login/api".into(),
        return_to: None,
        browser: None,
    };
    let details = LoginDetails::new(AssuranceLevel::Aal1, false, None);
    Flow::begin(beginning, State::ChooseMethod, details)
}

fn form() -> Container {
    let mut form = Container::new("/submit".into());
    form.push(Input::hidden("csrf_token", "").node(Group::DEFAULT));
    form.push(Input::new("identifier", InputKind::Text).with_value("").node(Group::DEFAULT));
    form.push(Input::submit("method", "password").node(Group::PASSWORD));
    form
}

#[test]
fn what_is_stored_reads_back_with_its_version() {
    let mut flow = flow();
    flow.say(MessageId::new(4_000_006));
    flow.say_at("identifier", Message::required("identifier"));
    flow.values.insert("identifier".into(), "ada".into());
    let Change::InsertFlow(mut record) = flow.insert().expect("has a JSON form") else {
        panic!("not an insertion")
    };
    assert_eq!(record.kind, FlowKind::Login);
    assert_eq!(record.version, 1);
    record.version = 4;
    let read = Flow::<LoginDetails>::from_record(&record).expect("reads back").expect("is a login");
    assert_eq!(read.version, 4);
    assert_eq!(read.messages, flow.messages);
    assert_eq!(read.field_messages, flow.field_messages);
    assert_eq!(read.consume(), Change::ConsumeFlow { id: flow.id, version: 4 });
}

#[test]
fn a_flow_of_another_kind_does_not_exist() {
    let Change::InsertFlow(record) = flow().insert().expect("has a JSON form") else {
        panic!("not an insertion")
    };
    assert!(Flow::<RegistrationDetails>::from_record(&record).expect("is no fault").is_none());
}

#[test]
fn a_form_is_filled_from_the_flow() {
    let mut flow = flow();
    flow.values.insert("identifier".into(), "ada".into());
    flow.values.insert("method".into(), "nope".into());
    flow.say_at("identifier", Message::required("identifier"));
    flow.say_at("password", MessageId::new(4_000_031));
    let mut form = form();
    flow.fill(&mut form, Some("identifier"));
    let json = form.to_json();
    assert_eq!(json["nodes"][1]["attributes"]["value"], "ada");
    assert_eq!(json["nodes"][1]["messages"][0]["id"], 4_000_002);
    assert_eq!(json["nodes"][2]["attributes"]["name"], "password", "made for its message");
    assert_eq!(json["nodes"][3]["attributes"]["value"], "password", "a button keeps its value");
    assert!(flow.has_errors());
}

#[test]
fn json_has_the_contract_s_members() {
    let flow = flow();
    let json = Value::Object(flow.to_json(&form()));
    assert_eq!(json["type"], "api");
    assert_eq!(json["state"], "choose_method");
    assert_eq!(json["issued_at"], "1970-01-01T00:01:40Z");
    assert!(json.get("return_to").is_none());
    assert!(flow.is_expired(Timestamp::from_seconds(700)));
    assert!(!flow.is_expired(Timestamp::from_seconds(699)));
}
