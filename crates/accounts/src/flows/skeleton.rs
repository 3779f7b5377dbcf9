//! The way of every flow, whatever its kind: it begins, it is shown, submissions are judged, it is shown
//! again or ends, and when its time is over, another one takes its place.
//!
//! What differs between the kinds stands behind [`Kind`], which each of them implements in its own file.

use async_trait::async_trait;
use serde_json::{Map, Value};
use sessera_model::{Timestamp, TokenHash, Uuid};
use sessera_store::Change;

use crate::flows::error::FlowError;
use crate::flows::flow::{Beginning, Details, Flow, Standing, Transport};
use crate::flows::method::{Crossing, Departure, Methods};
use crate::flows::trip::{Back, Trip};
use crate::flows::visit::Visit;
use crate::messages::{Message, MessageId};
use crate::submission::{Submission, ValueKind};
use crate::ui::Container;

/// The flows as one visit sees them.
#[derive(Clone, Copy, Debug)]
pub struct Flows<'a> {
    /// Who asks, and what it is judged by.
    pub visit: Visit<'a>,
    /// The methods that are on.
    pub methods: &'a Methods,
}

/// A kind of flow.
#[async_trait]
pub trait Kind: Details + Send + Sync + 'static {
    /// What a client may ask for when it begins one.
    type Wish: Send + Sync;
    /// What is read for each submission.
    type Context: Send + Sync;
    /// What a flow of this kind ends with.
    type Done: Send;

    /// What is said when its time is over.
    const EXPIRED: MessageId;

    /// Whether this visit may begin one.
    async fn may_begin(flows: &Flows<'_>, transport: Transport, wish: &Self::Wish) -> Result<(), FlowError>;

    /// Begins a new flow.
    async fn start(
        flows: &Flows<'_>,
        beginning: Beginning,
        wish: Self::Wish,
    ) -> Result<Begun<Self>, FlowError>;

    /// A new one in place of one that has ended.
    async fn start_again(
        flows: &Flows<'_>,
        beginning: Beginning,
        ended: &Flow<Self>,
    ) -> Result<Begun<Self>, FlowError>;

    /// Whether this visit may read one.
    async fn may_read(_: &Flows<'_>) -> Result<(), FlowError> {
        Ok(())
    }

    /// Whether this visit may submit one. It is asked before anything is said about a flow that is not
    /// there.
    async fn may_submit(flows: &Flows<'_>, flow: Option<&Flow<Self>>) -> Result<(), FlowError>;

    /// Whether the flow belongs to the person who is signed in.
    fn check_owner(_: &Flows<'_>, _: &Flow<Self>) -> Result<(), FlowError> {
        Ok(())
    }

    /// Whether the flow has still something to do for this visit.
    fn check_purpose(_: &Flows<'_>, _: &Flow<Self>) -> Result<(), FlowError> {
        Ok(())
    }

    /// Forgets what was said before, and reads what a submission is judged by.
    async fn prepare(flows: &Flows<'_>, flow: &mut Flow<Self>) -> Result<Self::Context, FlowError>;

    /// What the text of a field stands for.
    fn value_kind(_: &Self::Context, _: &str) -> ValueKind {
        ValueKind::Text
    }

    /// Whether no browser has begun the flow, so that it becomes the first one's that opens it.
    fn is_unclaimed(_: &Flow<Self>) -> bool {
        false
    }

    /// The form, and the members that only this kind has on the wire. `csrf_token` goes into the form.
    async fn form(
        flows: &Flows<'_>,
        flow: &Flow<Self>,
        csrf_token: String,
    ) -> Result<(Container, Map<String, Value>), FlowError>;

    /// Judges a submission.
    async fn submit(
        flows: &Flows<'_>,
        flow: Flow<Self>,
        context: Self::Context,
        submission: &Submission,
    ) -> Result<Outcome<Self>, FlowError>;

    /// Judges what somebody brings back from another site to which the flow has sent them. From flows of most kinds
    /// nobody is sent anywhere.
    async fn returned(
        _: &Flows<'_>,
        _: Flow<Self>,
        _: Self::Context,
        _: &Trip,
        _: &Back,
    ) -> Result<Outcome<Self>, FlowError> {
        Err(FlowError::Unknown)
    }
}

/// A flow that begins.
#[derive(Debug)]
pub struct Begun<K> {
    /// The flow.
    pub flow: Flow<K>,
    /// What is to be changed with its beginning.
    pub changes: Vec<Change>,
}

impl<K> From<Flow<K>> for Begun<K> {
    fn from(flow: Flow<K>) -> Self {
        Self { flow, changes: Vec::new() }
    }
}

impl<K: Kind> Begun<K> {
    /// Stores the flow, together with what is changed with its beginning.
    async fn store(self, visit: &Visit<'_>) -> Result<Flow<K>, FlowError> {
        let Self { flow, mut changes } = self;
        changes.push(flow.insert()?);
        visit.commit(&changes).await?;
        Ok(flow)
    }
}

/// A flow with its form.
#[derive(Clone, Debug)]
pub struct Shown<K> {
    /// The flow.
    pub flow: Flow<K>,
    /// Its form.
    pub form: Container,
    /// The cookie that a browser gets by which it is recognised from now on.
    pub new_cookie: Option<String>,
    members: Map<String, Value>,
}

impl<K: Kind> Shown<K> {
    /// Adds a member to its JSON.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// The flow as JSON on the wire.
    pub fn to_json(&self) -> Value {
        let mut json = self.flow.to_json(&self.form);
        json.extend(self.members.clone());
        Value::Object(json)
    }
}

/// What became of a submission.
#[derive(Debug)]
pub enum Outcome<K: Kind> {
    /// The form is shown again.
    Shown(Box<Shown<K>>, Standing),
    /// The flow had ended, and another one has taken its place.
    Replaced(Box<Replaced<K>>),
    /// The flow has ended as it should.
    Done(Box<K::Done>),
    /// Somebody is asked on another site.
    Elsewhere {
        /// Who goes through the flow.
        transport: Transport,
        /// Where they go.
        departure: Departure,
    },
    /// Somebody goes on in a flow of another kind.
    Crosses(Crossing),
}

impl<K: Kind> Outcome<K> {
    /// The flow that has taken the place of the one that was submitted, where there can be no other outcome left.
    pub(crate) fn replaced(self) -> Result<Box<Replaced<K>>, FlowError> {
        match self {
            Self::Replaced(replaced) => Ok(replaced),
            _ => Err(FlowError::internal("a link leads where no link leads")),
        }
    }
}

/// A flow that has taken the place of another one.
#[derive(Debug)]
pub struct Replaced<K> {
    /// When the other one's time was over. `None` when it had ended as it should.
    pub expired_at: Option<Timestamp>,
    /// The flow that goes on in its place.
    pub by: Flow<K>,
    /// The cookie that a browser gets by which it is recognised from now on.
    pub new_cookie: Option<String>,
}

/// Somebody who comes back from another site to the flow from which they left.
enum Arrival<K: Kind> {
    /// The flow goes on, with what was read for it. The trip has ended.
    InTime(Box<(Flow<K>, K::Context, Trip)>),
    /// The time of the flow is over, of which the message is said.
    Late(Box<(Flow<K>, Message)>),
}

/// The body of a submission.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// Its media type, with or without parameters.
    pub content_type: Option<&'a str>,
    /// The bytes of the body.
    pub bytes: &'a [u8],
}

impl Flows<'_> {
    /// Begins a flow.
    pub async fn begin<K: Kind>(
        &self,
        transport: Transport,
        return_to: Option<&str>,
        wish: K::Wish,
    ) -> Result<Shown<K>, FlowError> {
        self.visit.count().await?;
        K::may_begin(self, transport, &wish).await?;
        let (beginning, new_cookie) = self.visit.beginning(K::KIND, transport, return_to)?;
        let Begun { flow, mut changes } = K::start(self, beginning, wish).await?;
        let shown = self.shown(flow, new_cookie).await?;
        self.before(&shown, self.visit.session.map(|present| present.session)).await?;
        changes.push(shown.flow.insert()?);
        self.visit.commit(&changes).await?;
        Ok(shown)
    }

    /// Reads a flow that is under way.
    pub async fn show<K: Kind>(&self, id: Option<&str>) -> Result<Shown<K>, FlowError> {
        let flow = self.read(id).await?;
        if flow.is_expired(self.visit.now) {
            return Err(self.ended(&flow));
        }
        self.opened(flow).await
    }

    /// Reads a flow, which may have ended.
    pub async fn read<K: Kind>(&self, id: Option<&str>) -> Result<Flow<K>, FlowError> {
        K::may_read(self).await?;
        let flow = K::handed(self.visit.flow(id).await?, self.visit.browser_hash().as_ref());
        K::check_owner(self, &flow)?;
        self.visit.check_browser(&flow)?;
        Ok(flow)
    }

    /// Shows a flow that was read and is under way. One that no browser has begun belongs to this one from now on; of
    /// two that open it at once one is told that the other was faster.
    pub async fn opened<K: Kind>(&self, mut flow: Flow<K>) -> Result<Shown<K>, FlowError> {
        let mut new_cookie = None;
        if K::is_unclaimed(&flow) {
            let browser = self.visit.browser_hash();
            flow.browser =
                browser.or_else(|| Some(TokenHash::of(new_cookie.insert(self.visit.new_browser()))));
            self.visit.keep_with(&mut flow, Vec::new()).await?;
        }
        self.shown(flow, new_cookie).await
    }

    /// Judges a submission.
    pub async fn submit<K: Kind>(&self, id: Option<&str>, body: Body<'_>) -> Result<Outcome<K>, FlowError> {
        self.visit.count().await?;
        let found = self.visit.flow::<K>(id).await;
        K::may_submit(self, found.as_ref().ok()).await?;
        let mut flow = K::handed(found?, self.visit.browser_hash().as_ref());
        if let Some(expired) = self.expiry(&flow)? {
            return self.replace(&flow, expired).await;
        }
        let context = K::prepare(self, &mut flow).await?;
        let value_kind = |field: &str| K::value_kind(&context, field);
        let submission = match Submission::decode(body.content_type, body.bytes, value_kind) {
            Ok(submission) => submission,
            Err(message) => return self.refuse(flow, message).await,
        };
        if let Some(message) = self.visit.check_submission(&flow, submission.csrf_token())? {
            flow.keep_typed(&submission);
            return self.refuse(flow, message).await;
        }
        K::submit(self, flow, context, &submission).await
    }

    /// Judges what somebody brings back from another site, in the flow from which they left.
    pub async fn returned<K: Kind>(&self, id: Uuid, back: &Back) -> Result<Outcome<K>, FlowError> {
        self.visit.count().await?;
        let found = self.visit.flow::<K>(Some(&id.to_string())).await;
        let flow = found.as_ref().ok().map(|flow| (K::KIND, flow.id));
        let tell_refused = || self.visit.tell_refused(flow, None, back.method);
        match self.arrival(found, back).await {
            Ok(Arrival::InTime(arrived)) => {
                let (flow, context, trip) = *arrived;
                if !self.methods.has(&trip.method) {
                    tell_refused();
                }
                K::returned(self, flow, context, &trip, back).await
            }
            Ok(Arrival::Late(late)) => {
                let (flow, message) = *late;
                tell_refused();
                self.replace(&flow, message).await
            }
            Err(error) => {
                if !matches!(error, FlowError::SignedInAlready(_)) {
                    tell_refused();
                }
                Err(error)
            }
        }
    }

    /// Refuses somebody who comes back from another site to no flow.
    pub async fn returned_to_none(&self, back: &Back) -> FlowError {
        match self.visit.count().await {
            Ok(()) => {
                self.visit.tell_refused(None, None, back.method);
                FlowError::NoTrip
            }
            Err(error) => error,
        }
    }

    /// Whether whoever comes back from another site has left for it from this flow, and is in time.
    async fn arrival<K: Kind>(
        &self,
        found: Result<Flow<K>, FlowError>,
        back: &Back,
    ) -> Result<Arrival<K>, FlowError> {
        K::may_submit(self, found.as_ref().ok()).await?;
        let mut flow = match found {
            // Whoever goes back in a browser's history is signed in already.
            Err(FlowError::Unknown) if self.visit.session.is_some() => {
                return Err(FlowError::SignedInAlready(Transport::Browser));
            }
            found => found?,
        };
        let trip = flow.trip.take().filter(|trip| self.is_back_from(&flow, trip, back));
        let trip = trip.ok_or(FlowError::NoTrip)?;
        if let Some(message) = self.expiry(&flow)? {
            return Ok(Arrival::Late(Box::new((flow, message))));
        }
        let context = K::prepare(self, &mut flow).await?;
        flow.transient_payload.clone_from(&trip.transient_payload);
        flow.is_back = true;
        // A trip ends once, whatever comes of it.
        self.visit.keep_with(&mut flow, Vec::new()).await?;
        Ok(Arrival::InTime(Box::new((flow, context, trip))))
    }

    /// Refuses to go on with a flow of somebody else, or one that has nothing to do any more. Says so when its time is
    /// over.
    fn expiry<K: Kind>(&self, flow: &Flow<K>) -> Result<Option<Message>, FlowError> {
        K::check_owner(self, flow)?;
        K::check_purpose(self, flow)?;
        let is_over = flow.is_expired(self.visit.now);
        Ok(is_over.then(|| Message::expired(K::EXPIRED, flow.expires_at)))
    }

    /// Whether somebody comes back from a trip, and is whoever has left for it.
    fn is_back_from<K>(&self, flow: &Flow<K>, trip: &Trip, back: &Back) -> bool {
        let is_same_client = match flow.transport {
            Transport::Browser => trip.is_by(&self.visit.visitor.travellers),
            // The browser of a native client is nobody; the client itself has what the session is exchanged for.
            Transport::Api => flow.exchange.is_some(),
        };
        is_same_client && trip.is_of(back)
    }

    /// Keeps a flow from which somebody is sent to another site.
    pub async fn depart<K: Kind>(
        &self,
        mut flow: Flow<K>,
        departure: Departure,
    ) -> Result<Outcome<K>, FlowError> {
        self.visit.keep_with(&mut flow, Vec::new()).await?;
        Ok(Outcome::Elsewhere { transport: flow.transport, departure })
    }

    /// Says what is wrong with the flow as a whole, and shows it again.
    pub async fn refuse<K: Kind>(
        &self,
        mut flow: Flow<K>,
        message: impl Into<Message>,
    ) -> Result<Outcome<K>, FlowError> {
        flow.say(message);
        self.again(flow, Standing::Refused).await
    }

    /// Keeps what was typed and what is to be said, and shows the flow again. When another request was
    /// faster, its outcome stays.
    pub async fn again<K: Kind>(
        &self,
        mut flow: Flow<K>,
        standing: Standing,
    ) -> Result<Outcome<K>, FlowError> {
        self.visit.keep(&mut flow).await?;
        Ok(Outcome::Shown(Box::new(self.shown(flow, None).await?), standing))
    }

    /// Keeps the flow together with other changes, and shows it again. When another request was faster,
    /// nothing is kept, so that no attempt goes uncounted.
    pub async fn counted<K: Kind>(
        &self,
        mut flow: Flow<K>,
        standing: Standing,
        changes: Vec<Change>,
    ) -> Result<Outcome<K>, FlowError> {
        self.visit.keep_with(&mut flow, changes).await?;
        Ok(Outcome::Shown(Box::new(self.shown(flow, None).await?), standing))
    }

    /// Begins a flow in place of one that has ended, and ends the submission with it.
    pub async fn replace<K: Kind>(&self, ended: &Flow<K>, message: Message) -> Result<Outcome<K>, FlowError> {
        Ok(Outcome::Replaced(Box::new(self.replacement(ended, |by| by.say(message)).await?)))
    }

    /// Begins a flow in place of one that has ended. `say` says in it what there is to say.
    pub async fn replacement<K: Kind>(
        &self,
        ended: &Flow<K>,
        say: impl FnOnce(&mut Flow<K>) + Send,
    ) -> Result<Replaced<K>, FlowError> {
        let return_to = ended.return_to.as_deref();
        let (mut beginning, new_cookie) = self.visit.beginning(K::KIND, ended.transport, return_to)?;
        beginning.request_url.clone_from(&ended.request_url);
        let mut begun = K::start_again(self, beginning, ended).await?;
        say(&mut begun.flow);
        let by = begun.store(&self.visit).await?;
        let expired_at = ended.is_expired(self.visit.now).then_some(ended.expires_at);
        Ok(Replaced { expired_at, by, new_cookie })
    }

    /// Begins a flow for a browser that has come from elsewhere with what is good no more, and says so. It gets another
    /// cookie, which the flow belongs to.
    pub async fn begin_saying<K: Kind<Wish = ()>>(
        &self,
        message: impl Into<Message> + Send,
        return_to: Option<&str>,
    ) -> Result<Replaced<K>, FlowError> {
        let (mut beginning, _) = self.visit.beginning(K::KIND, Transport::Browser, return_to)?;
        let cookie = self.visit.new_browser();
        beginning.browser = Some(TokenHash::of(&cookie));
        let mut begun = K::start(self, beginning, ()).await?;
        begun.flow.say(message);
        let by = begun.store(&self.visit).await?;
        Ok(Replaced { expired_at: None, by, new_cookie: Some(cookie) })
    }

    /// A flow with its form. `new_cookie` is the one that the browser gets with it.
    pub async fn shown<K: Kind>(
        &self,
        flow: Flow<K>,
        new_cookie: Option<String>,
    ) -> Result<Shown<K>, FlowError> {
        let token = self.visit.form_token(&flow, new_cookie.as_deref());
        let (form, members) = K::form(self, &flow, token).await?;
        Ok(Shown { flow, form, new_cookie, members })
    }

    /// A flow that has ended, when it is read.
    fn ended<K: Kind>(&self, flow: &Flow<K>) -> FlowError {
        let return_to = flow.return_to.clone();
        let again = self.visit.rules.beginning(K::KIND, flow.transport.as_str(), return_to.as_deref());
        FlowError::Ended { transport: flow.transport, again, return_to }
    }
}
