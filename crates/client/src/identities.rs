//! Identities: `/admin/identities`.

use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::client::AdminClient;
use crate::error::ClientError;

/// An identity.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Identity {
    /// Its id.
    pub id: Uuid,
    /// Which schema judges its traits.
    pub schema_id: String,
    /// `active` or `inactive`.
    #[serde(default)]
    pub state: String,
    /// What the schema describes.
    pub traits: Value,
    /// Everything else, as the server sent it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// An identity that is to be made. It has the default schema when none is named.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct NewIdentity {
    /// Which schema judges the traits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_id: Option<String>,
    /// What the schema describes.
    #[serde(default)]
    pub traits: Value,
    /// `active` or `inactive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Its id in another system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Everything else that the API takes: credentials, addresses, metadata.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Which identities a list shows, and how many of them.
#[derive(Clone, Debug, Default)]
pub struct IdentityQuery {
    /// How many identities the part has at the most.
    pub page_size: Option<u32>,
    /// The token that came with the part before.
    pub page_token: Option<String>,
    /// The identifier with which the identity signs in that alone is listed.
    pub identifier: Option<String>,
}

/// A part of a list, and the token of the next one.
#[derive(Clone, Debug)]
pub struct Part<T> {
    /// The items.
    pub items: Vec<T>,
    /// The token of the next part, if there is one.
    pub next: Option<String>,
}

/// A code that lets its owner back into an account. It is not `Debug`, so that nobody prints it by accident.
#[derive(Clone, Deserialize, Serialize)]
pub struct RecoveryCode {
    /// The page on which the code is typed.
    pub recovery_link: String,
    /// The code.
    pub recovery_code: String,
    /// Until when both are good (RFC 3339).
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// What became of one identity of a batch.
#[derive(Clone, Debug, Deserialize)]
pub struct BatchItem {
    /// The id of the new identity.
    #[serde(default)]
    pub identity: Option<Uuid>,
    /// Why it was not made.
    #[serde(default)]
    pub error: Option<crate::error::Refusal>,
}

#[derive(Deserialize)]
struct Batch {
    identities: Vec<BatchItem>,
}

impl AdminClient {
    /// Makes an identity.
    pub async fn create_identity(&self, identity: &NewIdentity) -> Result<Identity, ClientError> {
        self.json(self.request(Method::POST, &["admin", "identities"]).json(identity)).await
    }

    /// Makes many identities independently of each other, and says what became of each.
    pub async fn import_identities(&self, identities: &[NewIdentity]) -> Result<Vec<BatchItem>, ClientError> {
        let items: Vec<Value> = identities.iter().map(|identity| json!({ "create": identity })).collect();
        let request = self.request(Method::PATCH, &["admin", "identities"]);
        let batch: Batch = self.json(request.json(&json!({ "identities": items }))).await?;
        if batch.identities.len() != identities.len() {
            return Err(self.not_understood("it tells of another number of identities than it was sent"));
        }
        Ok(batch.identities)
    }

    /// An identity.
    pub async fn identity(&self, id: Uuid) -> Result<Identity, ClientError> {
        self.json(self.request(Method::GET, &["admin", "identities", &id.to_string()])).await
    }

    /// A part of all identities, in the order of their ids.
    pub async fn identities(&self, query: &IdentityQuery) -> Result<Part<Identity>, ClientError> {
        let mut request = self.request(Method::GET, &["admin", "identities"]);
        request = paged(request, query.page_size, query.page_token.as_deref());
        if let Some(identifier) = &query.identifier {
            request = request.query(&[("credentials_identifier", identifier)]);
        }
        self.part(request).await
    }

    /// Changes an identity by a JSON Patch (RFC 6902).
    pub async fn patch_identity(&self, id: Uuid, patch: &[Value]) -> Result<Identity, ClientError> {
        let request = self.request(Method::PATCH, &["admin", "identities", &id.to_string()]);
        self.json(request.json(patch)).await
    }

    /// Makes a code for getting back into an account. It is good for `expires_in` (such as `1h`), or for as
    /// long as the server says.
    pub async fn create_recovery_code(
        &self,
        id: Uuid,
        expires_in: Option<&str>,
    ) -> Result<RecoveryCode, ClientError> {
        let request = self.request(Method::POST, &["admin", "recovery", "code"]);
        self.json(request.json(&json!({ "identity_id": id, "expires_in": expires_in }))).await
    }

    /// Deletes an identity with its credentials and sessions.
    pub async fn delete_identity(&self, id: Uuid) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &["admin", "identities", &id.to_string()])).await.map(drop)
    }

    /// Deletes a credential of an identity.
    pub async fn delete_credential(&self, id: Uuid, kind: &str) -> Result<(), ClientError> {
        let id = id.to_string();
        self.send(self.request(Method::DELETE, &["admin", "identities", &id, "credentials", kind]))
            .await
            .map(drop)
    }

    pub(crate) async fn part<T: serde::de::DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Part<T>, ClientError> {
        let response = self.send(request).await?;
        let next = response.headers().get("link").and_then(|link| link.to_str().ok()).and_then(next_token);
        Ok(Part { items: self.read(response).await?, next })
    }
}

pub(crate) fn paged(mut request: RequestBuilder, size: Option<u32>, token: Option<&str>) -> RequestBuilder {
    if let Some(size) = size {
        request = request.query(&[("page_size", size)]);
    }
    if let Some(token) = token {
        request = request.query(&[("page_token", token)]);
    }
    request
}

/// The `page_token` of the entry `rel="next"` of a `Link` header (RFC 8288).
fn next_token(link: &str) -> Option<String> {
    let entry = link.split(',').find(|entry| entry.contains("rel=\"next\""))?;
    let target = entry.split_once('<')?.1.split_once('>')?.0;
    let query = target.split_once('?')?.1;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "page_token")
        .map(|(_, token)| token.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_part_is_read_from_the_link_header() {
        let link = "</admin/identities?ids=a+b&page_size=2&page_token=first>; rel=\"first\",\
                    </admin/identities?page_size=2&page_token=the%20next>; rel=\"next\"";
        assert_eq!(next_token(link).as_deref(), Some("the next"));
        assert_eq!(next_token("</x?page_token=a>; rel=\"first\""), None);
        assert_eq!(next_token("rel=\"next\""), None);
    }

    #[test]
    fn an_identity_keeps_what_it_does_not_know() {
        let wire = json!({
            "id": "6f1c6c2e-0000-4000-8000-000000000000", "schema_id": "default", "state": "active",
            "traits": {"email": "a@b"}, "metadata_public": null, "something_new": [1],
        });
        let identity: Identity = serde_json::from_value(wire.clone()).unwrap();
        assert_eq!(serde_json::to_value(&identity).unwrap(), wire);
    }
}
