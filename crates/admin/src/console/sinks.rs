//! `/console/settings/sinks`: who is told of events, and what they did not take.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sessera_config::events::Sink as Configured;
use sessera_console::Section;
use sessera_console::settings::sinks::{self, Delivery, Shown, Sink, address};
use sessera_node::sinks::{SinkError, Sinks};
use sessera_store::SinkState;

use super::here::{Failed, PageContext, Sent, ok, shown as answered};
use crate::audit::EntryBody;
use crate::sinks::found;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{Parameters, Segment};

/// The form.
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    after: String,
}

/// A sink as pages show it.
pub(super) fn shown((state, configured): (SinkState, Configured)) -> Sink {
    let host = configured.url.host_str().unwrap_or_default();
    Sink {
        name: state.sink,
        kind: configured.form.kind().as_str().to_owned(),
        // A path and a query may hold a secret of the receiver.
        host: configured.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
        events: configured.events,
        number: state.number,
        waiting: state.waiting,
        waiting_since: state.oldest,
        given_up: state.given_up,
        problem: state.problem,
    }
}

pub(super) async fn get(
    State(sinks): State<Arc<Sinks>>,
    here: PageContext,
    Segment(name): Segment,
    parameters: Parameters,
) -> Result<Response, Failed> {
    let sink = find(&sinks, &name).await?;
    let (deliveries, place) = found(&sinks, &name, &parameters).await?;
    let delivery = |delivery: sessera_store::Delivery| {
        let entry = EntryBody::from(delivery.entry);
        Delivery {
            number: entry.number,
            action: entry.action,
            since: delivery.since,
            attempts: delivery.attempts,
            due_at: delivery.due_at,
            problem: delivery.problem,
        }
    };
    let page = Shown {
        sink,
        deliveries: deliveries.into_iter().map(delivery).collect(),
        state: parameters.get("state").unwrap_or_default().to_owned(),
        more: place.next_query(&parameters),
        may_change: here.may_operate(),
        is_done: parameters.get("done").is_some(),
    };
    Ok(ok(sinks::page(&here.frame(Some(Section::Settings)), &page)))
}

pub(super) async fn before_replay(
    State(sinks): State<Arc<Sinks>>,
    here: PageContext,
    Segment(name): Segment,
) -> Result<Response, Failed> {
    let sink = find(&sinks, &name).await?;
    let frame = here.frame(Some(Section::Settings));
    Ok(ok(sinks::replay(&frame, &sink, "", None, here.may_operate())))
}

pub(super) async fn replay(
    State(sinks): State<Arc<Sinks>>,
    here: PageContext,
    Segment(name): Segment,
    sent: Sent,
) -> Result<Response, Failed> {
    let Form { after } = sent.read()?;
    let typed = after.trim();
    let after = if typed.is_empty() { Ok(None) } else { typed.parse::<i64>().map(Some) };
    let replayed = match after {
        Ok(after) => sinks.replay(&name, after).await.map_err(ApiError::from),
        Err(_) => Err(ApiError::bad_request("This is no number of an entry. The record shows them.")),
    };
    match replayed {
        Ok(()) => Ok(answer::see_other(&format!("{}?done=1", address(&name)))?),
        Err(error) => {
            let sink = find(&sinks, &name).await?;
            let frame = here.frame(Some(Section::Settings));
            let page = sinks::replay(&frame, &sink, typed, Some(error.reason()), here.may_operate());
            Ok(answered(page, error.status()))
        }
    }
}

async fn find(sinks: &Sinks, name: &str) -> Result<Sink, ApiError> {
    let found = sinks.all().await?.into_iter().find(|(state, _)| state.sink == name);
    Ok(found.map(shown).ok_or_else(|| SinkError::Unknown(name.chars().take(64).collect()))?)
}
