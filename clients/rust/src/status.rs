//! Refusing tokens whose session is over, as status lists tell (Token Status List of the IETF).

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Map, Value};
use sessera_jose::status_list::{self, StatusListError, TYP, VALID};

use crate::shared::Shared;
use crate::verify::is_as_safe;
use crate::{Check, Error, Verifier};

/// The claims of a list, and the time until which it may be kept.
type List = (Map<String, Value>, i64);

/// A check by which every token must have a status, and its list is read. It has the lists that were read.
#[derive(Default)]
pub struct StatusLists(Mutex<HashMap<String, Arc<Shared<List>>>>);

#[async_trait]
impl Check for StatusLists {
    async fn check(&self, verifier: &Verifier, claims: &Map<String, Value>) -> Result<(), Error> {
        let list = claims.get("status").and_then(|status| status.get("status_list"));
        let member = |name: &str| list.and_then(|list| list.get(name));
        let place = member("idx").and_then(Value::as_u64).zip(member("uri").and_then(Value::as_str));
        let (index, uri) = place.ok_or_else(|| Error::Refused("it has no status".into()))?;
        match status_list::status(&self.list(verifier, uri).await?.0, index) {
            Ok(VALID) => Ok(()),
            Err(StatusListError::Malformed) => Err(not_good(uri, &"it has no bits")),
            _ => Err(Error::Refused("its session is over".into())),
        }
    }
}

impl StatusLists {
    async fn list(&self, verifier: &Verifier, uri: &str) -> Result<Arc<List>, Error> {
        let shared = {
            let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(lists.entry(uri.to_owned()).or_default())
        };
        match shared.known() {
            Some(list) if verifier.now() < list.1 => Ok(list),
            outdated => shared.after(outdated, || verifier.now(), read(verifier, uri)).await,
        }
    }
}

async fn read(verifier: &Verifier, uri: &str) -> Result<List, Error> {
    let now = verifier.now();
    if !is_as_safe(uri, &verifier.settings.issuer) {
        return Err(not_good(uri, &"it is less safe than the issuer"));
    }
    let (body, _) = verifier.get(uri).await?;
    let token = String::from_utf8(body).map_err(|error| not_good(uri, &error))?;
    let list = verifier.checked(token.trim(), Some(TYP)).await.map_err(|error| not_good(uri, &error))?;
    if list.get("sub").and_then(Value::as_str) != Some(uri) {
        return Err(not_good(uri, &"it is of another address"));
    }
    let number = |name: &str| list.get(name).and_then(Value::as_i64).unwrap_or_default();
    let until = number("exp").min(now + number("ttl"));
    Ok((list, until))
}

fn not_good(uri: &str, why: &dyn Display) -> Error {
    Error::Unavailable(format!("the list at {uri} is not good: {why}"))
}
