//! Accounts for tests, on a database in a temporary folder, with a clock that stands still.

mod client;
mod hooks;
mod providers;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sessera_config::Config;
use sessera_config::reach::Addresses;
use sessera_model::{AssuranceLevel, Clock as _, FixedClock, Identity, IdentityState, Timestamp, Uuid};
use sessera_store::{Change, Committer};
pub(crate) use sessera_testing::PASSWORD;
use sessera_testing::{CIPHER_SECRET, TestStore};
use sha1::{Digest as _, Sha1};
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::accounts::Accounts;
use crate::breaches::{BreachSource, Breaches};
use crate::courier::{self, WakeCourier};
use crate::flows::error::FlowError;
use crate::flows::flow::{Details, Transport};
use crate::flows::login::LoginRequest;
use crate::flows::skeleton::{Body, Flows, Kind, Outcome, Shown};
use crate::flows::visit::{Present, RequestDetails, Visit, Visitor};
use crate::hooks::WebHooks;
use crate::identities::{IdentityDraft, PreparedIdentity, Surroundings};
use crate::language::Language;
use crate::limits::Limits;
use crate::mail::CodeMail;
use crate::metrics::Metrics;
use crate::password::PasswordHashing;
use crate::snapshot::Snapshot;
use crate::ui::Node;

pub(crate) use client::Client;
pub(crate) use hooks::{StubHooks, change, forbidden, hook, refusal, turned_down};
pub(crate) use providers::StubProviders;

/// A password that was found in twelve breaches, as far as `known.example` knows.
pub(crate) const BREACHED: &str = "Zx-found-elsewhere-1";

/// A service that knows of one password. Other hosts do not answer.
struct KnownBreach;

#[async_trait]
impl BreachSource for KnownBreach {
    async fn range(&self, host: &str, prefix: &str, _: Addresses) -> Result<String, String> {
        let hash = hex::encode_upper(Sha1::digest(BREACHED));
        match host {
            "known.example" => {
                Ok(hash.strip_prefix(prefix).map_or(String::new(), |rest| format!("{rest}:12")))
            }
            _ => Err("it is not there".into()),
        }
    }
}

/// A configuration with everything on that people do, and nothing slow.
pub(crate) fn everything() -> Value {
    let on = json!({"enabled": true});
    json!({"selfservice": {
        "methods": {"totp": on, "lookup_secret": on},
        "flows": {
            "recovery": on,
            "verification": on,
            "settings": {"privileged_session_max_age": "15m"},
            "registration": {"after": {"password": {"hooks": [{"hook": "session"}]}}},
        },
    }})
}

/// Accounts for tests.
pub(crate) struct TestAccounts {
    pub(crate) parts: Arc<Accounts>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) clock: Arc<FixedClock>,
    /// The providers, which say what a test has them say.
    pub(crate) providers: Arc<StubProviders>,
    pub(crate) hooks: Arc<StubHooks>,
    /// Deleted when the test ends.
    _folder: TempDir,
}

impl TestAccounts {
    /// Accounts with a configuration: an object whose members replace those of the default one.
    pub(crate) async fn configured(configuration: Value) -> Self {
        let mut tree = json!({
            "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
            "secrets": {"cookie": ["a cookie secret for tests"], "cipher": [CIPHER_SECRET]},
        });
        for (name, value) in configuration.as_object().unwrap() {
            tree[name] = value.clone();
        }
        let snapshot = Snapshot::compile(&Config::from_tree(&tree).unwrap()).unwrap();
        let TestStore { store, clock, random, folder } = TestStore::open().await.unwrap();
        let message_waits = Arc::new(Notify::new());
        let providers = Arc::new(StubProviders::default());
        let wake = Arc::new(WakeCourier(message_waits.clone()));
        let (hooks, metrics) = (Arc::new(StubHooks::default()), Metrics::new().unwrap());
        let parts = Accounts {
            committer: Committer::new(store.clone(), vec![wake]),
            store,
            clock: clock.clone(),
            passwords: PasswordHashing::with_workers(random.clone(), 2),
            random,
            breaches: Breaches::new(Arc::new(KnownBreach)),
            providers: providers.clone(),
            web_hooks: WebHooks::new(hooks.clone(), metrics.clone()),
            limits: Limits::default(),
            metrics,
            message_waits,
        };
        Self {
            parts: Arc::new(parts),
            snapshot: Arc::new(snapshot),
            clock,
            providers,
            hooks,
            _folder: folder,
        }
    }

    /// Accounts with a schema of their own, and with a configuration as above.
    pub(crate) async fn with_schema(schema: &Value, mut configuration: Value) -> Self {
        let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
        configuration["identity"] = json!({
            "default_schema_id": "default",
            "schemas": [{"id": "default", "url": url}],
        });
        Self::configured(configuration).await
    }

    /// The flows as somebody sees them.
    pub(crate) fn flows<'a>(&'a self, visitor: &'a Visitor, session: Option<Present<'a>>) -> Flows<'a> {
        let visit = Visit {
            accounts: &self.parts,
            rules: &self.snapshot.rules,
            schemas: &self.snapshot.schemas,
            visitor,
            session,
            others: &[],
            now: self.clock.now(),
        };
        Flows { visit, methods: &self.snapshot.methods }
    }

    /// Stores a person with [`PASSWORD`].
    pub(crate) async fn person(&self, email: &str) -> Identity {
        let surroundings = Surroundings {
            schemas: &self.snapshot.schemas,
            random: self.parts.random.as_ref(),
            now: self.clock.now(),
        };
        let draft = IdentityDraft::new("default", json!({ "email": email }));
        let mut prepared = PreparedIdentity::create(draft, surroundings).unwrap();
        prepared
            .set_password(self.parts.passwords.hash(self.snapshot.rules.hashing, PASSWORD).await.unwrap());
        self.parts.committer.commit(&prepared.changes()).await.unwrap();
        prepared.identity
    }

    /// The code in the newest message to an address, which leaves the outbox.
    pub(crate) async fn mailed_code(&self, address: &str) -> Option<String> {
        while courier::deliver_due(&self.parts, self.snapshot.clone()).await.unwrap() > 0 {}
        // Which of two is tried again first says nothing about their age.
        let waiting = self.parts.store.due_messages(Timestamp::MAX, 1000).await.unwrap();
        let message = waiting
            .into_iter()
            .filter(|message| message.recipient == address)
            .max_by_key(|message| message.created_at)?;
        self.parts.committer.commit(&[Change::MessageSent(message.id)]).await.unwrap();
        CodeMail::parse(message.content.expose()).map(|mail| mail.code.expose().to_owned())
    }

    /// Keeps a person from signing in.
    pub(crate) async fn disable(&self, id: Uuid) {
        let mut identity = self.parts.store.identity(id).await.unwrap().unwrap();
        identity.state = IdentityState::Inactive;
        self.parts.committer.commit(&[Change::UpdateIdentity(identity)]).await.unwrap();
    }
}

/// Somebody with a native client, or with a browser that has a cookie.
pub(crate) fn visitor(transport: Transport) -> Visitor {
    Visitor {
        address: Some([192, 0, 2, 1].into()),
        user_agent: "tests".into(),
        device_name: "a test".into(),
        language: Language::En,
        liked: Vec::new(),
        browsers: (transport == Transport::Browser).then(|| "a cookie".into()).into_iter().collect(),
        travellers: Vec::new(),
        request_url: "http://127.0.0.1:4433/".into(),
        takes_json: true,
        browser_header: None,
        details: Some(RequestDetails {
            method: "POST".into(),
            headers: vec![("User-Agent".into(), vec!["tests".into()])],
            cookies: vec![("a".into(), "b".into())],
        }),
    }
}

/// Submits a form with its token against forged requests.
pub(crate) async fn submit<K: Kind>(flows: &Flows<'_>, shown: &Shown<K>, fields: Value) -> Outcome<K> {
    try_submit(flows, shown, fields).await.unwrap()
}

/// Submits a form with its token, where it has one and the fields bring none along. It may be refused altogether.
pub(crate) async fn try_submit<K: Kind>(
    flows: &Flows<'_>,
    shown: &Shown<K>,
    mut fields: Value,
) -> Result<Outcome<K>, FlowError> {
    if fields["csrf_token"].is_null()
        && let Some(token) = shown.form.nodes.iter().find(|node| node.name() == "csrf_token")
    {
        fields["csrf_token"] = token.to_json()["attributes"]["value"].clone();
    }
    let bytes = fields.to_string().into_bytes();
    let body = Body { content_type: Some("application/json"), bytes: &bytes };
    flows.submit(Some(&shown.flow.id.to_string()), body).await
}

/// The names of a form's nodes.
pub(crate) fn names<K>(shown: &Shown<K>) -> Vec<&str> {
    shown.form.nodes.iter().map(Node::name).collect()
}

/// The numbers of all messages of a form, those of the whole first.
pub(crate) fn said<K: Details>(shown: &Shown<K>) -> Vec<u32> {
    let fields = shown.form.nodes.iter().flat_map(|node| node.messages.iter());
    shown.form.messages.iter().chain(fields).map(|message| message.id.number()).collect()
}

/// The form that answers a submission.
pub(crate) fn again<K: Kind>(outcome: Outcome<K>) -> Shown<K> {
    match outcome {
        Outcome::Shown(shown, _) => *shown,
        Outcome::Replaced(_) => panic!("the flow was replaced"),
        Outcome::Done(_) => panic!("the flow has ended"),
        Outcome::Elsewhere { .. } | Outcome::Crosses(_) => panic!("the flow leads elsewhere"),
    }
}

/// How a flow has ended.
pub(crate) fn done<K: Kind>(outcome: Outcome<K>) -> K::Done {
    match outcome {
        Outcome::Done(done) => *done,
        Outcome::Shown(shown, _) => panic!("the flow says {:?}", said(&shown)),
        Outcome::Replaced(_) => panic!("the flow was replaced"),
        Outcome::Elsewhere { .. } | Outcome::Crosses(_) => panic!("the flow leads elsewhere"),
    }
}

/// What somebody asks for who signs in.
pub(crate) const FIRST: LoginRequest = LoginRequest { requested_aal: AssuranceLevel::Aal1, refresh: false };

/// What the form says that answers a submission.
pub(crate) fn refused<K: Kind>(outcome: Outcome<K>) -> Vec<u32> {
    said(&again(outcome))
}

/// A node of a form as JSON, by its id or its name; null when there is none.
pub(crate) fn node<K>(shown: &Shown<K>, name: &str) -> Value {
    shown.form.nodes.iter().find(|node| node.name() == name).map_or(Value::Null, Node::to_json)
}

/// A code that is another one than the right one.
pub(crate) const fn wrong_code(right: &str) -> &'static str {
    if matches!(right.as_bytes(), b"000000") { "000001" } else { "000000" }
}

/// How long somebody has to wait who asks too often, if so.
pub(crate) fn wait<T>(outcome: Result<T, FlowError>) -> Option<Duration> {
    match outcome {
        Err(FlowError::TooMany(wait)) => Some(wait),
        _ => None,
    }
}
