//! The files that pages load. Their names carry a hash of their content, so browsers keep them for
//! good and never have an old one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use sessera_contract::assets::{answer, found};
use sessera_contract::request::Segment;
use sessera_pages::assets::{self, PASSKEYS};

use crate::app::Snapshot;

/// `GET /ui/assets/{name}`
pub(crate) async fn get(State(snapshot): State<Arc<Snapshot>>, Segment(name): Segment) -> Response {
    found(assets::find(&name).or_else(|| snapshot.branding.find(&name)))
}

/// The script for passkeys where its name stays when its content changes.
pub(crate) fn passkeys() -> Response {
    answer(&PASSKEYS, "public, max-age=300")
}
