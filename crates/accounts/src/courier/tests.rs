//! The courier against a small mail server in the same process.

use std::sync::Mutex;

use serde_json::{Value, json};
use sessera_model::Uuid;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::flows::flow::{LoginDetails, RecoveryDetails, VerificationDetails};
use crate::hooks::caller::Reply;
use crate::language::Language;
use crate::mail::MailContext;
use crate::rules::Sends;
use crate::testing::{Client, FIRST, TestAccounts, done, said, turned_down};

/// A mail server that answers `RCPT` as told, one word for each connection, and keeps what it takes.
struct MailServer {
    port: u16,
    taken: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    async fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = taken.clone();
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let answer = answers.get(connection).copied().unwrap_or("250 ok");
                tokio::spawn(talk(stream, answer, kept.clone()));
            }
        });
        Self { port, taken }
    }

    fn mails(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

async fn talk(stream: TcpStream, answer: &str, taken: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 hello\r\n").await.unwrap();
    let (mut mail, mut is_data, mut line) = (String::new(), false, String::new());
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        let reply = match line.trim_end() {
            "." if is_data => {
                is_data = false;
                taken.lock().unwrap().push(std::mem::take(&mut mail));
                "250 ok"
            }
            text if is_data => {
                mail.push_str(text);
                mail.push('\n');
                line.clear();
                continue;
            }
            "DATA" => {
                is_data = true;
                "354 go on"
            }
            text if text.starts_with("RCPT") => answer,
            _ => "250 ok",
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap();
        line.clear();
    }
}

/// Accounts whose mails go to a port of this machine.
async fn sending_to(port: u16) -> TestAccounts {
    let uri = format!("smtp://127.0.0.1:{port}/?disable_starttls=true");
    TestAccounts::configured(json!({
        "courier": {"smtp": {"connection_uri": uri}},
        "selfservice": {"flows": {"recovery": {"enabled": true}}},
    }))
    .await
}

/// Puts a mail with a code into the outbox, as signing up does.
async fn enqueue(accounts: &TestAccounts) {
    let request = CodeRequest {
        flow_id: Uuid::from_u128(7),
        address: "ada@example.org".into(),
        via: "email".into(),
        language: Language::De,
        sends: Sends::Code,
        about: MailContext { request_url: "https://id.example.org/x".into(), ..MailContext::default() },
        asked: None,
    };
    let (rules, random) = (&accounts.snapshot.rules, accounts.parts.random.as_ref());
    let (now, purpose) = (accounts.parts.clock.now(), CodePurpose::Verification);
    let [_, mail] = codes::send(rules, random, now, purpose, Uuid::from_u128(8), &request);
    accounts.parts.committer.commit(&[mail]).await.unwrap();
}

async fn waiting(accounts: &TestAccounts) -> Vec<Message> {
    accounts.parts.store.due_messages(Timestamp::MAX, 9).await.unwrap()
}

/// How many messages are taken when the outbox is looked at once.
async fn deliver(accounts: &TestAccounts) -> usize {
    deliver_due(&accounts.parts, accounts.snapshot.clone()).await.unwrap()
}

#[tokio::test]
async fn a_code_is_sent_and_leaves_the_outbox() {
    let mail_server = MailServer::start(&[]).await;
    let accounts = sending_to(mail_server.port).await;
    enqueue(&accounts).await;
    assert_eq!(deliver(&accounts).await, 1);
    assert_eq!(deliver(&accounts).await, 0);
    assert!(waiting(&accounts).await.is_empty());
    let mails = mail_server.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("To: ada@example.org") && mails[0].contains("Guten Tag"), "{}", mails[0]);
    let [sent] = &told(&accounts).await[..] else { panic!("not one message") };
    assert_eq!((sent.status, sent.attempts, sent.dispatches.len()), (MessageStatus::Sent, 1, 1));
    assert_eq!(sent.dispatches[0].error, None);
}

/// What became of messages.
async fn told(accounts: &TestAccounts) -> Vec<SentMessage> {
    messages(&accounts.parts, None, None, &Page { after: None, limit: 9 }).await.unwrap()
}

#[tokio::test]
async fn what_fails_is_tried_again_after_a_pause() {
    let mail_server = MailServer::start(&["451 later", "451 later"]).await;
    let accounts = sending_to(mail_server.port).await;
    enqueue(&accounts).await;
    for pause in [1, 2] {
        assert_eq!(deliver(&accounts).await, 1);
        assert_eq!(deliver(&accounts).await, 0, "not at once");
        accounts.clock.advance(Duration::from_secs(pause));
    }
    assert_eq!(deliver(&accounts).await, 1);
    assert_eq!(mail_server.mails().len(), 1);
    assert!(waiting(&accounts).await.is_empty());
    let counted = [MessageOutcome::Sent, MessageOutcome::Failed, MessageOutcome::GivenUp];
    assert_eq!(counted.map(|outcome| accounts.parts.metrics.messages(outcome)), [1, 2, 0]);
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_waited_for() {
    // The socket is bound but does not listen: nobody answers there, and nobody else is given the port.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = closed.local_addr().unwrap();
    let accounts = sending_to(address.port()).await;
    enqueue(&accounts).await;
    assert_eq!(deliver(&accounts).await, 1);
    assert_eq!(waiting(&accounts).await[0].attempts, 1);
    let reason = told(&accounts).await.remove(0).dispatches.remove(0).error.unwrap();
    for part in [&*address.to_string(), "courier.smtp.connection_uri"] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
}

#[tokio::test]
async fn what_is_refused_for_good_or_comes_too_late_is_given_up() {
    let mail_server = MailServer::start(&["550 nobody here"]).await;
    let accounts = sending_to(mail_server.port).await;
    enqueue(&accounts).await;
    assert_eq!(deliver(&accounts).await, 1);
    assert!(waiting(&accounts).await.is_empty(), "nobody will ever take it");
    let [given_up] = &told(&accounts).await[..] else { panic!("not one message") };
    assert_eq!(given_up.status, MessageStatus::Abandoned);
    let reason = given_up.dispatches[0].error.as_deref().unwrap_or_default();
    assert!(reason.contains("nobody here"), "{reason}");
    assert_eq!(accounts.parts.metrics.messages(MessageOutcome::GivenUp), 1);

    let late = TestAccounts::configured(json!({})).await;
    enqueue(&late).await;
    assert_eq!(deliver(&late).await, 0);
    assert_eq!(waiting(&late).await.len(), 1, "a mail server may be configured later");
    late.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(deliver(&late).await, 0);
    assert!(waiting(&late).await.is_empty(), "the code has ended");
}

#[tokio::test]
async fn of_two_nodes_one_sends() {
    let mail_server = MailServer::start(&[]).await;
    let accounts = sending_to(mail_server.port).await;
    enqueue(&accounts).await;
    let (one, other) = tokio::join!(deliver(&accounts), deliver(&accounts));
    assert_eq!(one + other, 1);
    assert_eq!(mail_server.mails().len(), 1);
}

#[tokio::test]
async fn a_message_whose_sender_died_is_sent_by_another() {
    let mail_server = MailServer::start(&[]).await;
    let accounts = sending_to(mail_server.port).await;
    enqueue(&accounts).await;
    let message = waiting(&accounts).await.remove(0);
    let until = accounts.parts.clock.now() + LEASE;
    let claim = Change::ClaimMessage { id: message.id, attempts: message.attempts, until };
    accounts.parts.committer.commit(&[claim]).await.unwrap();
    assert_eq!(deliver(&accounts).await, 0);
    accounts.clock.advance(LEASE);
    assert_eq!(deliver(&accounts).await, 1);
    assert_eq!(mail_server.mails().len(), 1);
}

#[tokio::test]
async fn the_running_courier_is_told_of_messages_and_stops() {
    let mail_server = MailServer::start(&[]).await;
    let accounts = sending_to(mail_server.port).await;
    let snapshot = accounts.snapshot.clone();
    let stop = CancellationToken::new();
    let courier = tokio::spawn(run(accounts.parts.clone(), move || snapshot.clone(), stop.clone()));
    enqueue(&accounts).await;
    let arrival = async {
        while mail_server.mails().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), arrival).await.expect("a mail within a minute");
    stop.cancel();
    courier.await.unwrap();
}

#[test]
fn pauses_grow_and_have_an_end() {
    assert_eq!([0, 1, 2, 6].map(pause).map(|pause| pause.as_secs()), [1, 2, 4, 64]);
    for many in [7, 63, 64, i64::MAX] {
        assert_eq!(pause(many), MAX_PAUSE);
    }
}

#[tokio::test]
async fn whoever_changes_an_address_again_and_again_is_sent_few_codes_and_so_is_the_address() {
    let verification = json!({"flows": {"verification": {"enabled": true}}});
    let accounts = TestAccounts::configured(json!({"selfservice": verification})).await;
    let most = usize::try_from(accounts.snapshot.rules.limits.codes_per_hour).unwrap();
    let victim = "victim@example.com";
    let (mut to_victim, mut all) = (0, 0);
    for person in ["a", "b", "c"] {
        let client = Client::native(&accounts).signed_in(&format!("{person}@example.org")).await;
        for turn in 0..3 * most {
            let own = format!("{person}{turn}@example.org");
            let email = if turn % 2 == 0 { victim } else { own.as_str() };
            let mails = mails_after_change(&accounts, &client, email).await;
            all += mails.len();
            to_victim += mails.iter().filter(|mail| mail.recipient == victim).count();
        }
    }
    assert_eq!(to_victim, most);
    assert_eq!(all, 3 * most, "each of the three is sent as many as one person may be");
    accounts.clock.advance(Duration::from_hours(2));
    let client = Client::native(&accounts).signed_in("d@example.org").await;
    assert_eq!(mails_after_change(&accounts, &client, victim).await.len(), 1, "there is room again");
}

/// The codes that are sent when somebody changes an address. They leave the outbox.
async fn mails_after_change(accounts: &TestAccounts, client: &Client<'_>, email: &str) -> Vec<Message> {
    let shown = client.settings().await;
    let change = json!({"method": "profile", "traits": {"email": email}});
    done(client.submit(&shown, change).await.unwrap());
    while deliver(accounts).await > 0 {}
    let mails = waiting(accounts).await;
    for mail in &mails {
        assert_eq!(mail.template, "verification_code");
        accounts.parts.committer.commit(&[Change::MessageSent(mail.id)]).await.unwrap();
    }
    mails
}

/// A configuration in which a service takes mails, at the path `/mail`, with more of its own.
fn service(more: &Value) -> Value {
    let mut request = json!({"url": "https://mail.example.org/mail"});
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    let courier = json!({"delivery_strategy": "http", "http": {"request_config": request}});
    json!({"courier": courier, "selfservice": {
        "methods": {"code": {"passwordless_enabled": true}},
        "flows": {"recovery": {"enabled": true}},
    }})
}

/// Accounts whose mails a service takes.
async fn with_service(more: Value) -> TestAccounts {
    TestAccounts::configured(service(&more)).await
}

/// Puts a mail about somebody into the outbox.
async fn enqueue_about(accounts: &TestAccounts, identity_id: Uuid) {
    let about = MailContext { identity_id: Some(identity_id), ..MailContext::default() };
    let (random, now) = (accounts.parts.random.as_ref(), accounts.parts.clock.now());
    let mail = CodeMail {
        code: "012345".into(),
        url: "https://id.example.org/".into(),
        expires_at: now + Duration::from_mins(15),
        language: Language::En,
        via: "email".into(),
        about,
    };
    let change = codes::message(random, now, "login_code".into(), "ada@example.org".into(), &mail);
    accounts.parts.committer.commit(&[change]).await.unwrap();
}

#[tokio::test]
async fn a_service_takes_mails_with_everything_that_is_known() {
    let accounts = with_service(json!({"body": "base64://ZnVuY3Rpb24oY3R4KSBjdHg="})).await;
    let ada = accounts.person("ada@example.org").await;
    enqueue_about(&accounts, ada.id).await;
    assert_eq!(deliver(&accounts).await, 1);
    let [(path, told)] = &accounts.hooks.calls()[..] else { panic!("not one call") };
    assert_eq!(path, "/mail");
    for (name, value) in [
        ("recipient", "ada@example.org"),
        ("template_type", "login_code_valid"),
        ("message_type", "email"),
        ("subject", "Your code to sign in"),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    assert!(told["body"].as_str().unwrap().contains("012345"));
    assert!(told["html_body"].as_str().unwrap().contains("<p"));
    let data = &told["template_data"];
    assert_eq!((&data["to"], &data["login_code"]), (&json!("ada@example.org"), &json!("012345")));
    assert_eq!(data["identity"]["traits"]["email"], "ada@example.org");
    assert_eq!(data["expires_in_minutes"], 15);
    assert!(
        data["identity"].get("metadata_admin").is_none() && data["identity"].get("credentials").is_none()
    );
    assert_eq!(told_of(&accounts).await, (MessageStatus::Sent, None));
}

#[tokio::test]
async fn a_service_is_told_which_headers_the_request_had_that_caused_a_message() {
    let email = json!({"type": "string", "format": "email", "ory.sh/kratos": {
        "credentials": {"password": {"identifier": true}, "code": {"identifier": true, "via": "email"}},
        "recovery": {"via": "email"},
    }});
    let traits = json!({"type": "object", "properties": {"email": email}});
    let schema = json!({"type": "object", "properties": {"traits": traits}});
    let everything = service(&json!({"body": "base64://ZnVuY3Rpb24oY3R4KSBjdHg="}));
    let accounts = TestAccounts::with_schema(&schema, everything).await;
    accounts.person("ada@example.org").await;
    let client = Client::native(&accounts);
    let signing_in = client.begin::<LoginDetails>(FIRST).await.unwrap();
    client.again(&signing_in, json!({"method": "code", "identifier": "ada@example.org"})).await;
    // The courier makes this code later, when the request is over.
    let recovery = client.begin::<RecoveryDetails>(()).await.unwrap();
    client.again(&recovery, json!({"method": "code", "email": "ada@example.org"})).await;
    while deliver(&accounts).await > 0 {}
    let calls = accounts.hooks.calls();
    assert_eq!(calls.len(), 2);
    for (_, told) in calls {
        assert_eq!(told["request_headers"], json!({"User-Agent": ["tests"]}), "{told}");
    }
}

#[tokio::test]
async fn what_nobody_is_told_of_a_request_is_not_kept() {
    let accounts = sending_to(1).await;
    accounts.person("ada@example.org").await;
    let client = Client::native(&accounts);
    let recovery = client.begin::<RecoveryDetails>(()).await.unwrap();
    client.again(&recovery, json!({"method": "code", "email": "ada@example.org"})).await;
    let [message] = &waiting(&accounts).await[..] else { panic!("not one message") };
    assert!(!message.content.expose().contains("User-Agent"));
}

/// What became of the one message, and why.
async fn told_of(accounts: &TestAccounts) -> (MessageStatus, Option<String>) {
    let [message] = &told(accounts).await[..] else { panic!("not one message") };
    (message.status, message.dispatches.last().and_then(|dispatch| dispatch.error.clone()))
}

#[tokio::test]
async fn a_service_that_is_told_nothing_special_gets_the_usual_members() {
    let accounts = with_service(json!({})).await;
    enqueue(&accounts).await;
    assert_eq!(deliver(&accounts).await, 1);
    let (_, told) = accounts.hooks.calls().remove(0);
    assert_eq!(told["template_type"], "verification_code_valid");
    assert_eq!((&told["recipient"], &told["to"]), (&json!("ada@example.org"), &json!("ada@example.org")));
    assert!(told["body"].as_str().unwrap().contains(told["verification_code"].as_str().unwrap()));
    assert!(told["verification_url"].is_string() && told["recovery_url"].is_null());
}

#[tokio::test]
async fn what_a_service_does_not_take_is_tried_again_or_given_up() {
    let accounts = with_service(json!({})).await;
    accounts.hooks.answer("/mail", Ok(Reply::Troubled("it answered with the status 503".into())));
    enqueue(&accounts).await;
    assert_eq!(deliver(&accounts).await, 1);
    let (status, reason) = told_of(&accounts).await;
    assert_eq!((status, reason.as_deref()), (MessageStatus::Queued, Some("it answered with the status 503")));
    accounts.clock.advance(Duration::from_secs(1));
    accounts.hooks.answer("/mail", Ok(turned_down("the code is 012345")));
    assert_eq!(deliver(&accounts).await, 1);
    let (status, reason) = told_of(&accounts).await;
    assert_eq!((status, reason.as_deref()), (MessageStatus::Abandoned, Some("the service refuses it")));

    let called_off = with_service(json!({"body": "base64://ZnVuY3Rpb24oY3R4KSBlcnJvciAnY2FuY2VsJw=="})).await;
    enqueue(&called_off).await;
    assert_eq!(deliver(&called_off).await, 1);
    assert!(called_off.hooks.calls().is_empty());
    assert_eq!(told_of(&called_off).await.0, MessageStatus::Abandoned);
}

#[tokio::test]
async fn an_address_that_nobody_has_is_told_so_where_that_is_configured() {
    let body = json!({"plaintext": "base64://Tm8gYWNjb3VudCBoYXMge3sgLlRvIH19"});
    let courier = json!({
        "delivery_strategy": "http",
        "http": {"request_config": {"url": "https://mail.example.org/mail"}},
        "templates": {"recovery_code": {"invalid": {"email": {"body": body}}}},
    });
    for (notifies, expected) in
        [(true, vec!["recovery_code_invalid", "verification_code_invalid"]), (false, vec![])]
    {
        let flow = json!({"enabled": true, "notify_unknown_recipients": notifies});
        let flows = json!({"recovery": flow, "verification": flow});
        let accounts =
            TestAccounts::configured(json!({"courier": courier, "selfservice": {"flows": flows}})).await;
        let client = Client::native(&accounts);
        let email = json!({"method": "code", "email": "nobody@example.org"});
        let recovery = client.begin::<RecoveryDetails>(()).await.unwrap();
        let told = said(&client.again(&recovery, email.clone()).await);
        assert_eq!(told, [1_060_003], "whoever asks is told the same");
        while deliver(&accounts).await > 0 {}
        let verification = client.begin::<VerificationDetails>(()).await.unwrap();
        client.again(&verification, email).await;
        while deliver(&accounts).await > 0 {}
        let calls = accounts.hooks.calls();
        let kinds: Vec<_> = calls.iter().map(|(_, told)| told["template_type"].as_str().unwrap()).collect();
        assert_eq!(kinds, expected);
        if notifies {
            assert_eq!(calls[0].1["body"], "No account has nobody@example.org");
            assert!(calls[0].1["recovery_code"].is_null());
        }
    }
}
