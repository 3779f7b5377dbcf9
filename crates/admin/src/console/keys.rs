//! `/console/keys`: key sets, and a page before each change of them.

use axum::extract::{FromRef, State};
use axum::response::Response;
use serde::Deserialize;
use sessera_console::Section;
use sessera_console::keys::{self, KeyChange, KeySet as Shown, Keys, address};
use sessera_issuer::key_sets;
use sessera_issuer::templates::templates_with_set;
use sessera_jose::Algorithm;
use sessera_store::{KeySet, Managed};

use super::here::{Failed, PageContext, Sent, ok, shown};
use crate::keys::EditedSets;
use crate::managed_keys::{ManagedSets, NewSet};
use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{Parameters, Path, Segment};

/// What the pages read and change, which handlers take as one part.
pub(super) struct Sets {
    edited: EditedSets,
    managed: ManagedSets,
}

impl FromRef<AdminState> for Sets {
    fn from_ref(state: &AdminState) -> Self {
        Self { edited: FromRef::from_ref(state), managed: FromRef::from_ref(state) }
    }
}

/// What the forms send.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    name: String,
    algorithm: String,
    period: String,
    typed: String,
}

/// What can be done with a set or one of its keys.
#[derive(Clone, Copy)]
enum KeyAction<'a> {
    Adopt,
    Rotate,
    Revoke(&'a str),
    Promote(&'a str),
}

pub(super) async fn list(State(sets): State<Sets>, here: PageContext) -> Result<Response, Failed> {
    let mut listed = Vec::new();
    for set in sets.managed.sets.all().await? {
        listed.push(shown_set(&here, set)?);
    }
    Ok(ok(keys::list(&here.frame(Some(Section::Keys)), &listed, here.may_own())))
}

pub(super) async fn get(
    State(sets): State<Sets>,
    here: PageContext,
    Segment(name): Segment,
    parameters: Parameters,
) -> Result<Response, Failed> {
    let set = shown_set(&here, sets.managed.sets.find(&name).await?)?;
    let is_done = parameters.get("done").is_some();
    Ok(ok(keys::page(&here.frame(Some(Section::Keys)), &set, here.may_own(), is_done)))
}

fn shown_set(here: &PageContext, set: KeySet) -> Result<Shown, ApiError> {
    let settings = &here.snapshot.issuer.settings;
    let templates =
        templates_with_set(&settings.templates, &set.name).map(|(name, _)| name.to_owned()).collect();
    let (algorithm, keys) = match set.managed {
        Some(Managed { algorithm, schedule }) => (algorithm, Keys::Managed(schedule, settings.timing)),
        None => {
            let first = key_sets::keys(&set)?.keys().first().map(sessera_jose::Jwk::algorithm);
            // A key for encryption, for example, signs nothing.
            let algorithm =
                first.and_then(Result::ok).map_or_else(|| "-".to_owned(), |found| found.to_string());
            (algorithm, Keys::Own(set.keys.into_iter().map(|key| (key.kid, key.created_at)).collect()))
        }
    };
    Ok(Shown { name: set.name, algorithm, keys, templates })
}

pub(super) async fn new(here: PageContext) -> Result<Response, Failed> {
    Ok(ok(new_page(&here, "", None)))
}

fn new_page(here: &PageContext, name: &str, problem: Option<&str>) -> maud::Markup {
    let names = Algorithm::ALL.map(Algorithm::as_str);
    keys::before(&here.frame(Some(Section::Keys)), name, &KeyChange::Create(&names), problem, here.may_own())
}

pub(super) async fn make(
    State(sets): State<Sets>,
    here: PageContext,
    sent: Sent,
) -> Result<Response, Failed> {
    let Form { name, algorithm, period, .. } = sent.read()?;
    match sets.make(&name, &algorithm, &period).await {
        Ok(()) => done(&name),
        Err(error) => Ok(shown(new_page(&here, &name, Some(error.reason())), error.status())),
    }
}

pub(super) async fn before_adopt(
    sets: State<Sets>,
    here: PageContext,
    Segment(name): Segment,
) -> Result<Response, Failed> {
    sets.before(&here, &name, &KeyAction::Adopt, None).await
}

pub(super) async fn adopt(
    State(sets): State<Sets>,
    here: PageContext,
    Segment(name): Segment,
    sent: Sent,
) -> Result<Response, Failed> {
    let Form { period, .. } = sent.read()?;
    let wanted = NewSet { algorithm: None, period: period.trim(), adopt: true };
    let made = sets.managed.make(&name, wanted).await.map(drop);
    sets.outcome(&here, &name, &KeyAction::Adopt, made).await
}

pub(super) async fn before_rotate(
    sets: State<Sets>,
    here: PageContext,
    Segment(name): Segment,
) -> Result<Response, Failed> {
    sets.before(&here, &name, &KeyAction::Rotate, None).await
}

pub(super) async fn rotate(
    State(sets): State<Sets>,
    here: PageContext,
    Segment(name): Segment,
    _sent: Sent,
) -> Result<Response, Failed> {
    let rotated = sets.managed.rotated(&name).await.map(drop);
    sets.outcome(&here, &name, &KeyAction::Rotate, rotated).await
}

pub(super) async fn before_revoke(
    sets: State<Sets>,
    here: PageContext,
    Path((name, kid)): Path<(String, String)>,
) -> Result<Response, Failed> {
    sets.before(&here, &name, &KeyAction::Revoke(&kid), None).await
}

pub(super) async fn revoke(
    State(sets): State<Sets>,
    here: PageContext,
    Path((name, kid)): Path<(String, String)>,
    sent: Sent,
) -> Result<Response, Failed> {
    let Form { typed, .. } = sent.read()?;
    let revoked = if typed.trim() == kid {
        sets.managed.revoked(&name, &kid).await.map(drop)
    } else {
        Err(ApiError::bad_request("What was typed is not the id of the key. Nothing was changed."))
    };
    sets.outcome(&here, &name, &KeyAction::Revoke(&kid), revoked).await
}

pub(super) async fn before_promote(
    sets: State<Sets>,
    here: PageContext,
    Path((name, kid)): Path<(String, String)>,
) -> Result<Response, Failed> {
    sets.before(&here, &name, &KeyAction::Promote(&kid), None).await
}

pub(super) async fn promote(
    State(sets): State<Sets>,
    here: PageContext,
    Path((name, kid)): Path<(String, String)>,
    _sent: Sent,
) -> Result<Response, Failed> {
    let promoted = sets.edited.promote(&name, &kid).await;
    sets.outcome(&here, &name, &KeyAction::Promote(&kid), promoted).await
}

fn done(name: &str) -> Result<Response, Failed> {
    Ok(answer::see_other(&format!("{}?done=1", address(name)))?)
}

impl Sets {
    /// Makes a set that rotates by itself, or without a period one with a key that stays.
    pub(super) async fn make(&self, name: &str, algorithm: &str, period: &str) -> Result<(), ApiError> {
        if period.trim().is_empty() {
            return self.edited.make(name, algorithm, String::new(), "sig", None).await.map(drop);
        }
        let wanted = NewSet { algorithm: Some(algorithm), period: period.trim(), adopt: false };
        self.managed.make(name, wanted).await.map(drop)
    }

    /// The page before a change, with the reason why it was not made.
    async fn before(
        &self,
        here: &PageContext,
        name: &str,
        asked: &KeyAction<'_>,
        failed: Option<&ApiError>,
    ) -> Result<Response, Failed> {
        let set = self.managed.sets.find(name).await?;
        let timing = here.snapshot.issuer.settings.timing;
        // What would happen is worked out on a copy.
        let mut copy = set.managed.as_ref().map(|managed| managed.schedule.clone());
        let schedule = copy
            .as_mut()
            .ok_or_else(|| ApiError::conflict(format!("The key set \"{name}\" does not rotate by itself.")));
        let frame = here.frame(Some(Section::Keys));
        let problem = failed.map(ApiError::reason);
        let page = |before: &KeyChange<'_>| keys::before(&frame, name, before, problem, here.may_own());
        let page = match *asked {
            KeyAction::Adopt => page(&KeyChange::Adopt),
            KeyAction::Rotate => {
                let schedule = schedule?;
                let at = schedule.rotate(here.now, &timing);
                let next = at.and_then(|at| schedule.keys.iter().find(|key| key.activates_at == at));
                page(&KeyChange::Rotate(next.map(|key| (key.kid.clone(), key.activates_at))))
            }
            KeyAction::Revoke(kid) => {
                let schedule = schedule?;
                let revoked = schedule.revoke(kid, here.now, &timing);
                let revoked =
                    revoked.map_err(|error| ApiError::conflict(format!("It cannot be revoked: {error}.")))?;
                let signer = schedule.keys.iter().find(|key| Some(&key.kid) == revoked.signer.as_ref());
                page(&KeyChange::Revoke { kid, revoked, signer, timing })
            }
            KeyAction::Promote(kid) if set.keys.iter().any(|key| key.kid == kid) => {
                page(&KeyChange::Promote(kid))
            }
            KeyAction::Promote(_) => return Err(ApiError::not_found("The set has no such key.").into()),
        };
        Ok(match failed {
            Some(error) => shown(page, error.status()),
            None => ok(page),
        })
    }

    /// The set after a change, or the page before it with the reason why it was not made.
    async fn outcome(
        &self,
        here: &PageContext,
        name: &str,
        asked: &KeyAction<'_>,
        outcome: Result<(), ApiError>,
    ) -> Result<Response, Failed> {
        match outcome {
            Ok(()) => done(name),
            // There is no page before a change of what is not there.
            Err(error) if error.is_not_found() => Err(error.into()),
            Err(error) => self.before(here, name, asked, Some(&error)).await,
        }
    }
}
