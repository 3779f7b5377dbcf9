//! `/console/record`: the record of what happened.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use sessera_console::Section;
use sessera_console::record::{Entry, Filter, Shown, csv, page};
use sessera_node::record::Record;
use sessera_store::Store;

use super::here::{Failed, PageContext, ok, shown};
use crate::audit::{self, EntryBody};
use sessera_contract::answer;
use sessera_contract::answer::Status;
use sessera_contract::request::Parameters;

pub(super) async fn get(
    State(record): State<Arc<Record>>,
    State(store): State<Arc<dyn Store>>,
    here: PageContext,
    parameters: Parameters,
) -> Result<Response, Failed> {
    let text = |name: &str| parameters.get(name).unwrap_or_default().to_owned();
    let filter = Filter {
        action: text("action"),
        actor: text("actor"),
        outcome: text("outcome"),
        identity: text("identity"),
        since: text("since"),
        until: text("until"),
    };
    let query = query(&parameters);
    let frame = here.frame(Some(Section::Record));
    match audit::found(&record, &*store, &parameters).await {
        Ok((entries, place)) => {
            let entries = entries.into_iter().map(entry).collect();
            let older = place.next_query(&parameters);
            Ok(ok(page(&frame, &Shown { filter, entries, older, query, problem: None })))
        }
        Err(error) if error.status() == Status::MALFORMED => {
            let problem = Some(error.reason().to_owned());
            let nothing = Shown { filter, entries: Vec::new(), older: None, query, problem };
            Ok(shown(page(&frame, &nothing), error.status()))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn as_json(
    State(record): State<Arc<Record>>,
    State(store): State<Arc<dyn Store>>,
    parameters: Parameters,
) -> Result<Response, Failed> {
    let (entries, _) = audit::found(&record, &*store, &parameters).await?;
    Ok(([file("json")], answer::ok(entries)).into_response())
}

pub(super) async fn as_csv(
    State(record): State<Arc<Record>>,
    State(store): State<Arc<dyn Store>>,
    parameters: Parameters,
) -> Result<Response, Failed> {
    let (entries, _) = audit::found(&record, &*store, &parameters).await?;
    let entries: Vec<Entry> = entries.into_iter().map(entry).collect();
    let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8");
    let headers = [file("csv"), kind, (header::CACHE_CONTROL, "no-store")];
    Ok((headers, csv(&entries)).into_response())
}

/// Has a browser keep the answer as a file.
fn file(kind: &str) -> (header::HeaderName, &'static str) {
    let name = if kind == "csv" {
        "attachment; filename=\"record.csv\""
    } else {
        "attachment; filename=\"record.json\""
    };
    (header::CONTENT_DISPOSITION, name)
}

/// The query that asks for the same entries.
fn query(parameters: &Parameters) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters.iter()).finish()
}

fn entry(entry: EntryBody) -> Entry {
    let text = |name: &str| entry.request[name].as_str().unwrap_or_default().to_owned();
    Entry {
        number: entry.number,
        at: entry.at,
        who: entry.who(),
        is_refused: entry.outcome == "refused",
        about: entry.about.to_string(),
        address: text("address"),
        user_agent: text("user_agent"),
        request_id: text("id"),
        count: entry.count.unwrap_or(1),
        actor: entry.actor.to_string(),
        // What is made of text and JSON has a JSON form.
        whole: serde_json::to_string_pretty(&entry).unwrap_or_default(),
        hash: entry.hash,
        action: entry.action,
    }
}
