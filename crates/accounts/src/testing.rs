//! Accounts for tests, on a database in a temporary folder, with a clock that stands still.

#![cfg_attr(
    not(feature = "passkeys"),
    expect(dead_code, reason = "the tests of passkeys alone use all of it")
)]

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use sessera_config::Config;
use sessera_model::{AssuranceLevel, Clock as _, FixedClock, Identity, IdentityState, Session, Uuid};
use sessera_store::{Change, Committer, SessionKind};
pub(crate) use sessera_testing::PASSWORD;
use sessera_testing::{CIPHER_SECRET, TestStore};
use sha1::{Digest as _, Sha1};
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::accounts::Accounts;
use crate::breaches::{BreachSource, Breaches};
use crate::courier::WakeCourier;
use crate::flows::error::FlowError;
use crate::flows::flow::{Details, LoginDetails, SettingsDetails, Transport};
use crate::flows::login::LoginWish;
use crate::flows::skeleton::{Body, Flows, Kind, Outcome, Shown};
use crate::flows::visit::{Present, Visit, Visitor};
use crate::identities::{IdentityDraft, PreparedIdentity, Surroundings};
use crate::language::Language;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::password::PasswordHashing;
use crate::snapshot::Snapshot;
use crate::ui::Node;

/// A password that was found in twelve breaches, as far as `known.example` knows.
pub(crate) const BREACHED: &str = "Zx-found-elsewhere-1";

/// A service that knows of one password. Other hosts do not answer.
struct KnownBreach;

#[async_trait]
impl BreachSource for KnownBreach {
    async fn range(&self, host: &str, prefix: &str) -> Result<String, String> {
        let hash = hex::encode_upper(Sha1::digest(BREACHED));
        match host {
            "known.example" => {
                Ok(hash.strip_prefix(prefix).map_or(String::new(), |rest| format!("{rest}:12")))
            }
            _ => Err("it is not there".into()),
        }
    }
}

/// Accounts for tests.
pub(crate) struct TestAccounts {
    pub(crate) parts: Arc<Accounts>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) clock: Arc<FixedClock>,
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
        let wake = Arc::new(WakeCourier(message_waits.clone()));
        let parts = Accounts {
            committer: Committer::new(store.clone(), vec![wake]),
            store,
            clock: clock.clone(),
            passwords: PasswordHashing::with_workers(random.clone(), 2),
            random,
            breaches: Breaches::new(Arc::new(KnownBreach)),
            limits: Limits::default(),
            metrics: Metrics::new().unwrap(),
            message_waits,
        };
        Self { parts: Arc::new(parts), snapshot: Arc::new(snapshot), clock, _folder: folder }
    }

    /// The flows as somebody sees them.
    pub(crate) fn flows<'a>(&'a self, visitor: &'a Visitor, session: Option<Present<'a>>) -> Flows<'a> {
        let visit = Visit {
            accounts: &self.parts,
            rules: &self.snapshot.rules,
            schemas: &self.snapshot.schemas,
            visitor,
            session,
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
        browsers: (transport == Transport::Browser).then(|| "a cookie".into()).into_iter().collect(),
        request_url: "http://127.0.0.1:4433/".into(),
        takes_json: true,
        browser_header: None,
    }
}

/// Submits a form with its token against forged requests.
pub(crate) async fn submit<K: Kind>(flows: &Flows<'_>, shown: &Shown<K>, fields: Value) -> Outcome<K> {
    try_submit(flows, shown, fields).await.unwrap()
}

async fn try_submit<K: Kind>(
    flows: &Flows<'_>,
    shown: &Shown<K>,
    mut fields: Value,
) -> Result<Outcome<K>, FlowError> {
    if let Some(token) = shown.form.nodes.iter().find(|node| node.name() == "csrf_token") {
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
    }
}

/// How a flow has ended.
pub(crate) fn done<K: Kind>(outcome: Outcome<K>) -> K::Done {
    match outcome {
        Outcome::Done(done) => *done,
        Outcome::Shown(shown, _) => panic!("the flow says {:?}", said(&shown)),
        Outcome::Replaced(_) => panic!("the flow was replaced"),
    }
}

/// What somebody asks for who signs in.
pub(crate) const FIRST: LoginWish = LoginWish { requested_aal: AssuranceLevel::Aal1, refresh: false };

/// Somebody who goes through flows, and who may be signed in.
pub(crate) struct Client<'a> {
    accounts: &'a TestAccounts,
    transport: Transport,
    visitor: Visitor,
    /// The session that is presented with every request.
    pub(crate) session: Option<Session>,
}

impl<'a> Client<'a> {
    /// Somebody with a browser.
    pub(crate) fn browser(accounts: &'a TestAccounts) -> Self {
        Self::new(accounts, Transport::Browser)
    }

    /// Somebody with a native client.
    pub(crate) fn native(accounts: &'a TestAccounts) -> Self {
        Self::new(accounts, Transport::Api)
    }

    fn new(accounts: &'a TestAccounts, transport: Transport) -> Self {
        Self { accounts, transport, visitor: visitor(transport), session: None }
    }

    /// Makes an account and signs in with it.
    pub(crate) async fn signed_in(mut self, email: &str) -> Self {
        self.accounts.person(email).await;
        let shown = self.login(FIRST).await;
        let attempt = json!({"method": "password", "identifier": email, "password": PASSWORD});
        self.session = Some(done(self.submit(&shown, attempt).await.unwrap()).signed_in.session);
        self
    }

    fn flows(&self) -> Flows<'_> {
        let kind = match self.transport {
            Transport::Api => SessionKind::Native,
            Transport::Browser => SessionKind::Browser,
        };
        let present = self.session.as_ref().map(|session| Present { session, kind });
        self.accounts.flows(&self.visitor, present)
    }

    /// Begins to sign in.
    pub(crate) async fn login(&self, wish: LoginWish) -> Shown<LoginDetails> {
        self.flows().begin(self.transport, None, wish).await.unwrap()
    }

    /// Begins to change one's own account.
    pub(crate) async fn settings(&self) -> Shown<SettingsDetails> {
        self.flows().begin(self.transport, None, ()).await.unwrap()
    }

    /// Submits a form with its token.
    pub(crate) async fn submit<K: Kind>(
        &self,
        shown: &Shown<K>,
        fields: Value,
    ) -> Result<Outcome<K>, FlowError> {
        try_submit(&self.flows(), shown, fields).await
    }

    /// Submits a form that is shown again.
    pub(crate) async fn again<K: Kind>(&self, shown: &Shown<K>, fields: Value) -> Shown<K> {
        again(self.submit(shown, fields).await.unwrap())
    }
}

/// What the form says that answers a submission.
pub(crate) fn refused<K: Kind>(outcome: Outcome<K>) -> Vec<u32> {
    said(&again(outcome))
}
