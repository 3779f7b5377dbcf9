//! `GET /admin/events`: what happens, as server-sent events for back ends that keep copies of sessions.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Frame;
use sessera_node::record::Record;
use sessera_store::audit::Ends;
use sessera_store::{AuditFrom, AuditPage, Store, StoreError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::audit::{EntryBody, Wanted, number};
use crate::guard::Standing;
use crate::listeners::{Listeners, MOST};
use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::health::Stopping;
use sessera_contract::request::Parameters;
use sessera_openapi::ErrorBody;

/// How often the record is looked at for each of them.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// After how many looks without news a client is told that the connection lives.
const QUIET_LOOKS: u32 = 60;

/// How many entries are read at once.
const READ: u32 = 500;

/// The route.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Follow what happens
///
/// The answer goes on with an event (`text/event-stream`) for each entry of the record: its number as the id, its action as
/// the name, and the entry as JSON. Whoever connects again sends the header `Last-Event-ID`, as browsers' `EventSource` does,
/// or `after`, and misses nothing that the record still has: a comment at the beginning says so where it has less. Without
/// either it begins with what happens from now on. A number that the record has not reached is refused: whoever has it heard of
/// another record, as after a backup was brought back, and begins anew. The comment `caught up` comes once, behind what happened
/// before. The answer ends when the admin token ends or is deleted.
#[utoipa::path(get, path = "/admin/events", operation_id = "followEvents", tag = "access",
    params(
        ("after" = Option<i64>, Query, description = "The number of the entry behind which to begin"),
        ("action" = Option<String>, Query, description = "Only this action, for example `session_ended`"),
        ("outcome" = Option<String>, Query, description = "Only `done` or `refused`"),
        ("actor" = Option<String>, Query, description = "Only by this kind of actor, by the admin token with this name, or by the identity with this id"),
        ("session" = Option<String>, Query, description = "Only about the session with this id"),
        ("Last-Event-ID" = Option<i64>, Header, description = "The id of the event that was read last"),
    ),
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "Events, for as long as the client listens", body = String, content_type = "text/event-stream"), (status = 400, description = "A parameter makes no sense, or the record has not reached the number", body = ErrorBody)))]
async fn events(
    State(store): State<Arc<dyn Store>>,
    State(record): State<Arc<Record>>,
    State(stopping): State<Stopping>,
    State(listeners): State<Listeners>,
    standing: Standing,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let wanted = Wanted::of(&parameters)?;
    let asked = last_event(&headers)?.map_or_else(|| number(&parameters, "after"), |last| Ok(Some(last)))?;
    if asked.is_none() {
        // What this node has told of until now has happened before.
        record.keep().await?;
    }
    let ends = store.audit_ends().await?;
    let after = asked.unwrap_or(ends.last.number);
    let greeting = greeting(after, &ends)?;
    let place = listeners.place().ok_or_else(|| {
        ApiError::unavailable(format!(
            "{MOST} clients follow the events of this node already. Ask another node, or end one of them."
        ))
    })?;
    let (sender, receiver) = mpsc::channel(1);
    let follow = Follow { store, stopping, standing, wanted, after, is_behind: true, sender, _place: place };
    tokio::spawn(follow.run(greeting));
    let mut response = answer::done();
    *response.body_mut() = Body::new(EventStream(receiver));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// The number that a client read last, as `EventSource` sends it. An empty one says nothing.
fn last_event(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let sent = headers.get("last-event-id").filter(|id| !id.is_empty());
    let read = sent.map(|id| id.to_str().ok().and_then(|id| id.trim().parse().ok()).ok_or(()));
    read.transpose().map_err(|()| {
        ApiError::bad_request(
            "The header Last-Event-ID is no number. Send the id of the event that was read last.",
        )
    })
}

/// What is said first to a client that goes on behind an entry. The error says that it cannot.
fn greeting(after: i64, ends: &Ends) -> Result<String, ApiError> {
    let (last, swept) = (ends.last.number, ends.swept.number);
    if after < 0 {
        return Err(ApiError::bad_request(
            "Entries of the record are numbered from 1. Send 0 to begin with the first one that is kept.",
        ));
    }
    if after > last {
        return Err(ApiError::bad_request(format!(
            "The record has no entry {after} yet: its last one is {last}. Whoever has that number heard of another record, as after a backup was brought back: drop what was learnt from it, and begin anew with GET /admin/audit or after=0."
        )));
    }
    // The first line tells the client at once that it is connected.
    let gap = format!(": the record begins with {}, and what was before is kept no more\n\n", swept + 1);
    Ok(format!(": following\n\n{}", if after < swept { gap.as_str() } else { "" }))
}

/// Tells one client.
struct Follow {
    store: Arc<dyn Store>,
    stopping: Stopping,
    standing: Standing,
    wanted: Wanted,
    after: i64,
    /// Whether the record had more than was read of it when it was looked at last.
    is_behind: bool,
    sender: mpsc::Sender<Bytes>,
    _place: OwnedSemaphorePermit,
}

impl Follow {
    /// Goes on until the client is gone or may hear no more, the server stops, or the record cannot be read. The client then
    /// comes again.
    async fn run(mut self, greeting: String) {
        let mut clock = tokio::time::interval(LOOK_EVERY);
        let (mut quiet, mut is_new) = (0, true);
        let mut told = self.sender.send(greeting.into()).await.is_ok();
        while told && !self.stopping.is_told() {
            tokio::select! {
                _ = clock.tick() => {}
                () = self.sender.closed() => return,
            }
            let mut text = match self.news().await {
                Ok(text) => text,
                Err(error) => {
                    tracing::warn!(%error, "the record cannot be read for a client that follows it");
                    return;
                }
            };
            if is_new && !self.is_behind {
                is_new = false;
                text.push_str(": caught up\n\n");
            }
            quiet = if text.is_empty() { quiet + 1 } else { 0 };
            if quiet == QUIET_LOOKS {
                quiet = 0;
                text.push_str(":\n\n");
            }
            if text.is_empty() {
                continue;
            }
            // Its token may have ended, or was deleted, since it came.
            match self.standing.lasts().await {
                Ok(true) => told = self.sender.send(text.into()).await.is_ok(),
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "the admin token of a client that follows the record cannot be looked up");
                    return;
                }
            }
        }
    }

    /// What happened since the last look, as it goes to the client.
    async fn news(&mut self) -> Result<String, StoreError> {
        let page = AuditPage { from: AuditFrom::After(self.after), limit: READ };
        let mut text = String::new();
        let entries = self.store.audit(&page).await?;
        self.is_behind = entries.len() == READ as usize;
        for entry in entries {
            self.after = entry.number;
            let entry = EntryBody::from(entry);
            if self.wanted.has(&entry) {
                text.push_str(&event(&entry));
            }
        }
        Ok(text)
    }
}

/// An entry as an event. JSON has no line breaks.
fn event(entry: &EntryBody) -> String {
    let data = serde_json::to_string(entry).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", entry.number, entry.action)
}

/// The body of the answer.
struct EventStream(mpsc::Receiver<Bytes>);

impl hyper::body::Body for EventStream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_store::audit::Link;

    #[test]
    fn a_client_hears_what_it_missed_and_cannot_go_on_in_another_record() {
        let link = |number| Link { number, ..Link::default() };
        let ends = Ends { last: link(182), swept: link(40) };
        for after in [40, 100, 182] {
            assert_eq!(greeting(after, &ends).unwrap(), ": following\n\n");
        }
        for after in [0, 39] {
            let told = greeting(after, &ends).unwrap();
            assert!(
                told.ends_with("\n\n: the record begins with 41, and what was before is kept no more\n\n"),
                "{told}"
            );
        }
        for (after, words) in [(-1, "from 1"), (183, "begin anew"), (i64::MAX, "begin anew")] {
            assert!(greeting(after, &ends).unwrap_err().reason().contains(words), "{after}");
        }
    }
}
