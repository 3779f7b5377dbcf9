//! What the commands on admin tokens share.

use sessera_client::admin_tokens::AdminToken;

use super::managed_sets::second;

/// Until when a token is good, in words.
pub(super) fn end(token: &AdminToken) -> String {
    token.expires_at.map_or_else(|| "it is deleted".to_owned(), |end| second(end).to_string())
}
