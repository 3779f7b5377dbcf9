//! Committing changes, all of them or none.

use sqlx::SqliteConnection;

use super::SqliteStore;
use super::sessions::refused_unless;
use crate::change::Change;
use crate::error::{Conflict, StoreError, from_sqlx};

impl SqliteStore {
    pub(super) async fn apply_all(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(from_sqlx)?;
        for change in changes {
            self.apply(&mut transaction, change).await?;
        }
        transaction.commit().await.map_err(from_sqlx)
    }

    async fn apply(&self, connection: &mut SqliteConnection, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::InsertIdentity(identity) => self.insert_identity(connection, identity).await,
            Change::UpdateIdentity(identity) => self.update_identity(connection, identity).await,
            Change::DeleteIdentity(id) => {
                self.delete_sessions_of(connection, *id).await?;
                let gone = sqlx::query("DELETE FROM identities WHERE id = ?")
                    .bind(id)
                    .execute(connection)
                    .await
                    .map_err(from_sqlx)?;
                refused_unless(gone.rows_affected() == 1, Conflict::Missing)
            }
            Change::PutCredential(credential) => self.put_credential(connection, credential).await,
            Change::DeleteCredential { identity_id, kind } => {
                sqlx::query("DELETE FROM credentials WHERE identity_id = ? AND kind = ?")
                    .bind(identity_id)
                    .bind(kind.as_str())
                    .execute(connection)
                    .await
                    .map_err(from_sqlx)?;
                Ok(())
            }
            Change::InsertSession(session) => self.insert_session(connection, session).await,
            Change::AuthenticateSession(again) => self.authenticate_session(connection, again).await,
            Change::ExtendSession { id, at, expires_at, .. } => {
                self.extend_session(connection, *id, *at, *expires_at).await
            }
            Change::NoteUses(uses) => self.note_uses(connection, uses).await,
            Change::RevokeSessionByToken { token, .. } => {
                self.revoke_session_by_token(connection, token).await
            }
            Change::RevokeSessions(filter) => self.revoke_sessions(connection, filter).await,
            Change::RevokeSession { id, of } => self.revoke_session(connection, *id, *of).await,
            Change::DeleteSessionsOf(identity_id) => self.delete_sessions_of(connection, *identity_id).await,
            Change::DeleteSession { id, .. } => self.delete_session(connection, *id).await,
            Change::InsertFlow(flow) => self.insert_flow(connection, flow).await,
            Change::UpdateFlow(flow) => self.update_flow(connection, flow).await,
            Change::ConsumeFlow { id, version } => self.consume_flow(connection, *id, *version).await,
            Change::InsertCode(code) => self.insert_code(connection, code).await,
            Change::UseCode(id) => self.use_code(connection, *id).await,
            Change::TakeAttempt { counters, at } => self.take_attempt(connection, counters, *at).await,
            Change::GiveBackAttempt(keys) => self.give_back_attempt(connection, keys).await,
            Change::ForgetAttempts(key) => self.forget_attempts(connection, key).await,
            Change::EnqueueMessage(message) => self.enqueue(connection, message).await,
            Change::ClaimMessage { id, attempts, until } => {
                self.claim_message(connection, *id, *attempts, *until).await
            }
            Change::MessageSent(id) => self.message_sent(connection, *id).await,
            Change::MessageFailed { id, due_at } => self.message_failed(connection, *id, *due_at).await,
            Change::NoteDispatch(dispatch) => self.note_dispatch(connection, dispatch).await,
            Change::DropMessage(id) => self.drop_message(connection, *id).await,
            Change::PutKeySet(set, _) => self.put_key_set(connection, set).await,
            Change::DeleteKeySet(name) => self.delete_key_set(connection, name).await,
            Change::InsertAdminToken(token) => self.insert_admin_token(connection, token).await,
            Change::DeleteAdminToken(name) => self.delete_admin_token(connection, name).await,
            Change::Record(entries) => self.record(connection, entries).await,
            Change::BeginSink { sink, at } => self.begin_sink(connection, sink, *at).await,
            Change::ForgetSinks { but, wanted_since, at } => {
                self.forget_sinks(connection, but, *wanted_since, *at).await
            }
            Change::TakeFromRecord(taken) => self.take_from_record(connection, taken).await,
            Change::Delivered { sink, numbers } => self.delivered(connection, sink, numbers).await,
            Change::DeliveryFailed { sink, number, due_at, problem } => {
                self.delivery_failed(connection, sink, *number, *due_at, problem).await
            }
            Change::Hasten { sink, numbers, at } => self.hasten(connection, sink, numbers, *at).await,
            Change::Replay { sink, after, at } => self.replay(connection, sink, *after, *at).await,
            Change::PlaceSession { id, identity_id, at } => {
                self.place_session(connection, *id, *identity_id, *at).await
            }
            Change::LiveElsewhere { ids, at } => self.note_live_elsewhere(connection, ids, *at).await,
            Change::EndElsewhere { id, at, .. } => self.end_elsewhere(connection, *id, *at).await,
            Change::Forget(Some(id)) => self.forget_elsewhere(connection, *id).await,
            // Whoever hears of it drops something.
            Change::Forget(None) => Ok(()),
            Change::Unchanged(version) => self.check_version(connection, *version).await,
            Change::InsertRevision(revision) => self.insert_revision(connection, revision).await,
        }
    }
}
