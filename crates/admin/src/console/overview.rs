//! `/console`: whether all is well.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{FromRef, State};
use axum::response::Response;
use sessera_console::Section;
use sessera_console::overview::{Happened, Hour, Need, Overview, Parts, page};
use sessera_issuer::Lease;
use sessera_issuer::trial::{Outcome, TemplateState};
use sessera_model::Timestamp;
use sessera_node::Configuration;
use sessera_node::record::Record;
use sessera_node::sinks::Sinks;
use sessera_rotation::{Schedule, Timing};
use sessera_store::{
    AuditEntry, AuditFrom, AuditPage, Committer, Managed, MessageFilter, MessageStatus, Page, SinkState,
    Span, Store,
};
use sessera_telemetry::samples::Sample;
use sessera_telemetry::{Metrics, Samples};

use super::here::{Failed, PageContext, ok};
use crate::audit::{self, EntryBody};
use crate::state::AdminState;
use sessera_contract::answer::ApiError;
use sessera_issuer::upstream::UpstreamSessions;

/// How many entries of the record are shown.
const LATELY: u32 = 8;

/// How many waiting messages are counted at the most.
const MOST_WAITING: u32 = 1000;

/// For how long something may be due in a key set before somebody is told.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the page looks at, which the handler takes as one part.
pub(super) struct Watched {
    store: Arc<dyn Store>,
    committer: Committer,
    configuration: Arc<Configuration>,
    record: Arc<Record>,
    sinks: Arc<Sinks>,
    lease: Arc<Lease>,
    metrics: Arc<Metrics>,
    samples: Arc<Samples>,
    upstream: Option<Arc<UpstreamSessions>>,
}

impl FromRef<AdminState> for Watched {
    fn from_ref(state: &AdminState) -> Self {
        Self {
            store: FromRef::from_ref(state),
            committer: FromRef::from_ref(state),
            configuration: FromRef::from_ref(state),
            record: FromRef::from_ref(state),
            sinks: FromRef::from_ref(state),
            lease: FromRef::from_ref(state),
            metrics: FromRef::from_ref(state),
            samples: FromRef::from_ref(state),
            upstream: FromRef::from_ref(state),
        }
    }
}

pub(super) async fn get(State(watched): State<Watched>, here: PageContext) -> Result<Response, Failed> {
    let parts = watched.parts(&here).await;
    // Without a database the page says so rather than nothing at all.
    let is_there = parts.database.is_some();
    let overview = Overview {
        needs: if is_there { watched.needs(&here).await? } else { Vec::new() },
        hour: hour(&watched.samples.all(), here.snapshot.config.gateway.enabled),
        lately: if is_there { watched.lately().await? } else { Vec::new() },
        parts,
    };
    Ok(ok(page(&here.frame(Some(Section::Overview)), &overview)))
}

impl Watched {
    async fn needs(&self, here: &PageContext) -> Result<Vec<Need>, ApiError> {
        let trial = self.configuration.trial(&here.snapshot).await?;
        let of_template = |(name, state): (String, TemplateState)| match state {
            TemplateState::Broken(broken) => Some(Need::Broken(name, broken.to_string())),
            TemplateState::Compiled(_, Outcome::Works) => None,
            TemplateState::Compiled(_, Outcome::WorksForSome(reason)) => {
                Some(Need::WorksForSome(name, reason))
            }
            TemplateState::Compiled(_, Outcome::Fails { reason, .. }) => Some(Need::Failing(name, reason)),
        };
        let states = trial.states(&here.snapshot.issuer.templates).await;
        let of_templates = states.into_iter().filter_map(of_template);
        let notes = here.snapshot.config.notes.iter();
        let of_settings = notes.map(|note| Need::Setting(note.pointer.clone(), note.message.clone()));
        let sinks = self.sinks.all().await?.into_iter().map(|(state, _)| state);
        let of_sinks = sinks.flat_map(|SinkState { sink, problem, given_up, .. }| {
            let fails = problem.map(|problem| Need::Sink(sink.clone(), problem));
            let lost = (given_up > 0).then_some(Need::GivenUp(sink, given_up));
            [fails, lost].into_iter().flatten()
        });
        let timing = here.snapshot.issuer.settings.timing;
        let sets = self.store.key_sets().await?.into_iter();
        let waits = |managed: &Managed| is_late(&managed.schedule, &timing, here.now);
        let late = sets.filter(|set| set.managed.as_ref().is_some_and(waits));
        let of_keys = late.map(|set| Need::Keys(set.name));
        Ok(of_templates.chain(of_sinks).chain(of_keys).chain(of_settings).collect())
    }

    async fn parts(&self, here: &PageContext) -> Parts {
        let start = Instant::now();
        let database = self.store.ping().await.ok().map(|()| start.elapsed());
        let filter = MessageFilter { status: Some(MessageStatus::Queued), ..MessageFilter::default() };
        let waiting = match database {
            Some(_) => self.store.messages(&filter, &Page { after: None, limit: MOST_WAITING }).await,
            None => Ok(Vec::new()),
        };
        let lease = self.lease.check(here.now, &here.snapshot.issuer.settings.timing);
        Parts {
            database,
            is_stuck: self.committer.is_stuck(),
            is_line_trusted: self.store.line().is_trusted(),
            lease: lease.map_err(|refusal| refusal.to_string()),
            clock: self.metrics.issuer.clock_difference.get(),
            upstream: self.upstream.as_ref().map(|upstream| upstream.outage().map_or(Ok(()), Err)),
            waiting: waiting.unwrap_or_default().len(),
        }
    }

    async fn lately(&self) -> Result<Vec<Happened>, ApiError> {
        let page = AuditPage { from: AuditFrom::Latest(Span::ALL), limit: LATELY };
        let entries = audit::read(&self.record, &*self.store, &page).await?;
        let happened = |entry: AuditEntry| {
            let entry = EntryBody::from(entry);
            Happened { at: entry.at, who: entry.who(), what: entry.action }
        };
        Ok(entries.into_iter().map(happened).collect())
    }
}

/// Whether something has been due in a set for a while. Nodes do what is due within seconds.
fn is_late(schedule: &Schedule, timing: &Timing, now: Timestamp) -> bool {
    let before = now - PATIENCE;
    schedule.floor < before
        && !schedule.due(before, timing).is_empty()
        && !schedule.due(now, timing).is_empty()
}

/// What happened between the looks of the last hour.
fn hour(samples: &[Sample], has_gateway: bool) -> Option<Hour> {
    let (first, last) = (samples.first()?.counted, samples.last().filter(|_| samples.len() > 1)?.counted);
    let a_minute = |count: fn(&Sample) -> u64| -> Vec<f64> {
        let between = samples.windows(2).map(|pair| {
            let minutes = pair[1].at.since(pair[0].at).as_secs_f64() / 60.0;
            #[expect(clippy::cast_precision_loss, reason = "what happens in a minute is far below 2^52")]
            let happened = count(&pair[1]).saturating_sub(count(&pair[0])) as f64;
            if minutes > 0.0 { happened / minutes } else { 0.0 }
        });
        between.collect()
    };
    Some(Hour {
        tokens: a_minute(|sample| sample.counted.tokens),
        decisions: has_gateway.then(|| a_minute(|sample| sample.counted.decisions)),
        sign_ins: a_minute(|sample| sample.counted.sign_ins),
        errors: a_minute(|sample| sample.counted.errors),
        refused_tokens: last.refused_tokens.saturating_sub(first.refused_tokens),
        reused: last.reused.saturating_sub(first.reused),
    })
}
