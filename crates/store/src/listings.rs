//! Lists that both engines make of the same statements. What an engine writes in its own way stands in its [`SqlDialect`].
//!
//! Each list goes through an index of its own, in its order, and a page begins behind the last key of the one before, so
//! that the last page costs no more than the first.

use sessera_model::Uuid;
use sqlx::{Database, Encode, QueryBuilder, Type};

use crate::audit::{AuditFrom, AuditOf, AuditPage, Span};
use crate::records::{IdentifierFilter, IdentityFilter, MANY, Matching, Page};

/// What an engine writes in its own way.
pub(crate) trait SqlDialect: Database {
    /// How it finds entries of the record by their parts.
    const PARTS: Parts;
    /// How it compares texts byte by byte, whatever the language of the database, as its indexes do.
    const BYTES: Bytes;
}

/// The conditions on parts of entries, as the indexes have them. To the first three a value is bound.
pub(crate) struct Parts {
    pub(crate) action: &'static str,
    pub(crate) actor: &'static str,
    pub(crate) session: &'static str,
    pub(crate) tokens: &'static str,
    pub(crate) refusals: &'static str,
}

/// The words that compare texts byte by byte.
pub(crate) struct Bytes {
    /// The operator for texts that do not come before the bound one.
    pub(crate) from: &'static str,
    /// The operator for texts that come before the bound one.
    pub(crate) below: &'static str,
    /// What stands behind a column by which is ordered.
    pub(crate) ordered: &'static str,
    /// What stands behind a text of which the first is looked for.
    pub(crate) collated: &'static str,
}

/// What can be bound in the statements of an engine.
pub(crate) trait Bound<D: Database>: for<'t> Encode<'t, D> + Type<D> {}

impl<D: Database, T: for<'t> Encode<'t, D> + Type<D>> Bound<D> for T {}

/// Entries of the record.
pub(crate) fn audit<D: SqlDialect>(page: &AuditPage) -> QueryBuilder<D>
where
    i64: Bound<D>,
    Uuid: Bound<D>,
    String: Bound<D>,
{
    let mut query = QueryBuilder::new("SELECT * FROM audit WHERE ");
    match &page.from {
        AuditFrom::After(number) => query.push("number > ").push_bind(*number).push(" ORDER BY number"),
        AuditFrom::Latest(Span { of, since, before }) => {
            query.push("number IS NOT NULL AND id >= ").push_bind(*since);
            query.push(" AND id < ").push_bind(*before);
            let Parts { action, actor, session, tokens, refusals } = D::PARTS;
            match of {
                AuditOf::All => &mut query,
                AuditOf::Identity(id) => query.push(" AND identity_id = ").push_bind(*id),
                AuditOf::Session(id) => query.push(session).push_bind(id.to_string()),
                AuditOf::Action(name) => query.push(action).push_bind(name.clone()),
                AuditOf::Actor(name) => query.push(actor).push_bind(name.clone()),
                AuditOf::Tokens => query.push(tokens),
                AuditOf::Refusals => query.push(refusals),
            };
            query.push(" ORDER BY id DESC")
        }
    };
    query.push(" LIMIT ").push_bind(i64::from(page.limit));
    query
}

/// Identities in the order of their ids, or the first ones in that of what they sign in with.
pub(crate) fn identities<D: SqlDialect>(filter: &IdentityFilter, page: &Page) -> QueryBuilder<D>
where
    i64: Bound<D>,
    Uuid: Bound<D>,
    String: Bound<D>,
{
    if let Some(IdentifierFilter { typed, link, matching: Matching::FirstBeginning }) = &filter.identifier {
        return first_who_begin(typed, link, page.limit);
    }
    let mut query = QueryBuilder::new("SELECT * FROM identities WHERE id > ");
    query.push_bind(page.after.unwrap_or(Uuid::nil()));
    if let Some(IdentifierFilter { typed, link, matching }) = &filter.identifier {
        query.push(" AND id IN (SELECT identity_id FROM identifiers WHERE ");
        for (kinds, text) in
            [("(kind IN ('password', 'code', 'webauthn')", typed), (" OR (kind = 'oidc'", link)]
        {
            query.push(kinds);
            match matching {
                Matching::Whole => query.push(" AND identifier = ").push_bind(text.clone()),
                _ => beginning(&mut query, text),
            };
            query.push(")");
        }
        query.push(")");
    }
    if !filter.ids.is_empty() {
        query.push(" AND id IN (");
        let mut ids = query.separated(", ");
        for id in &filter.ids {
            ids.push_bind(*id);
        }
        query.push(")");
    }
    query.push(" ORDER BY id LIMIT ").push_bind(i64::from(page.limit));
    query
}

/// The first people who sign in with something that begins with a text, in the order of that, byte by byte. Of each kind as
/// many identifiers are read as are needed for that, from its own index.
fn first_who_begin<D: SqlDialect>(typed: &str, link: &str, limit: u32) -> QueryBuilder<D>
where
    i64: Bound<D>,
    String: Bound<D>,
{
    let Bytes { ordered, collated, .. } = D::BYTES;
    let limit = i64::from(limit);
    let mut query =
        QueryBuilder::new("SELECT identities.* FROM identities JOIN (SELECT identity_id, min(identifier");
    query.push(collated).push(") AS first FROM (");
    let kinds = [("password", typed), ("code", typed), ("webauthn", typed), ("oidc", link)];
    for (place, (kind, text)) in kinds.into_iter().enumerate() {
        query.push(if place == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
        query.push("SELECT identity_id, identifier FROM identifiers WHERE kind = ");
        beginning(query.push_bind(kind.to_owned()), text);
        query.push(" ORDER BY identifier").push(ordered).push(" LIMIT ");
        query.push_bind(limit * i64::from(MANY)).push(") AS of_kind");
    }
    query.push(") AS found GROUP BY identity_id ORDER BY first LIMIT ").push_bind(limit);
    query.push(") AS found ON found.identity_id = identities.id ORDER BY first");
    query
}

/// The condition that an identifier begins with a text.
fn beginning<'q, D: SqlDialect>(query: &'q mut QueryBuilder<D>, text: &str) -> &'q mut QueryBuilder<D>
where
    String: Bound<D>,
{
    let Bytes { from, below, .. } = D::BYTES;
    query.push(" AND identifier").push(from).push_bind(text.to_owned());
    // No text that begins so comes after the highest character.
    query.push(" AND identifier").push(below).push_bind(format!("{text}{}", char::MAX))
}
