//! What every engine must do, whatever it is made of. An engine runs all cases with `contract!`.

mod admin_tokens;
mod audit;
mod commits;
mod counters;
mod deliveries;
mod flows;
mod identities;
mod key_sets;
mod places;
mod sessions;

use serde_json::json;
use sessera_model::credential::CredentialConfig;
use sessera_model::identity::VerificationStatus;
use sessera_model::{
    AssuranceLevel, AuthenticationMethod, Credential, CredentialKind, GoDuration, Identity, IdentityState,
    Random, RecoveryAddress, Session, SystemRandom, Timestamp, TokenHash, Uuid, VerifiableAddress,
};
use sessera_rotation::Timing;
use sessera_store::{
    Allowance, Change, Conflict, CredentialOf, Ended, Flow, FlowKind, NewSession, Page, SessionKind, Store,
    StoreError,
};

#[allow(unused_imports, reason = "not every test program uses all of it")]
pub(crate) use self::{
    admin_tokens::*, audit::*, commits::*, counters::*, deliveries::*, flows::*, identities::*, key_sets::*,
    places::*, sessions::*,
};

const TIMING: Timing = Timing {
    lease: GoDuration::from_secs(10),
    skew: GoDuration::from_secs(1),
    max_age: GoDuration::from_secs(10),
};

/// What a few guesses may be made with.
const GUESSES: Allowance = Allowance::Guesses { free: 2 };

fn uuid() -> Uuid {
    let random: &dyn Random = &SystemRandom::default();
    random.uuid()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

pub(crate) fn ended(before: Timestamp) -> Ended {
    Ended { sessions: before, messages: before, others: before }
}

fn page(limit: u32) -> Page {
    Page { after: None, limit }
}

pub(crate) fn person(email: &str) -> Identity {
    Identity {
        id: uuid(),
        external_id: None,
        schema_id: "default".into(),
        state: IdentityState::Active,
        state_changed_at: at(0),
        traits: json!({"email": email, "z": 1, "a": {"b": []}}),
        verifiable_addresses: vec![VerifiableAddress {
            id: uuid(),
            value: email.into(),
            verified: false,
            via: "email".into(),
            status: VerificationStatus::Sent,
            verified_at: None,
            created_at: at(0),
            updated_at: at(0),
        }],
        recovery_addresses: vec![RecoveryAddress {
            id: uuid(),
            value: email.into(),
            via: "email".into(),
            created_at: at(0),
            updated_at: at(0),
        }],
        metadata_public: Some(json!({"plan": "pro"})),
        metadata_admin: None,
        created_at: at(0),
        updated_at: Timestamp::from_micros(1_700_000_000_123_456),
        version: 1,
    }
}

fn password(of: &Identity, identifier: &str) -> Change {
    Change::PutCredential(CredentialOf {
        identity_id: of.id,
        credential: Credential {
            kind: CredentialKind::Password,
            identifiers: vec![identifier.into()],
            config: CredentialConfig::from(json!({"hashed_password": "the-hash"})),
            version: 1,
            created_at: at(0),
            updated_at: at(0),
        },
    })
}

pub(crate) fn session(of: &Identity, token: &str, issued: i64) -> NewSession {
    NewSession {
        session: Session {
            id: uuid(),
            identity_id: of.id,
            active: true,
            issued_at: at(issued),
            expires_at: at(issued + 100),
            authenticated_at: at(issued),
            last_used_at: None,
            assurance_level: AssuranceLevel::Aal1,
            methods: vec![AuthenticationMethod {
                method: "password".into(),
                aal: AssuranceLevel::Aal1,
                completed_at: at(issued),
                provider: None,
            }],
            devices: vec![],
        },
        kind: SessionKind::Native,
        token: TokenHash::of(token),
    }
}

fn flow() -> Flow {
    Flow { id: uuid(), kind: FlowKind::Login, body: "{\"a\":1}".into(), expires_at: at(50), version: 1 }
}

fn conflict(result: Result<(), StoreError>) -> Option<Conflict> {
    match result {
        Err(StoreError::Conflict(conflict)) => Some(conflict),
        Err(other) => panic!("{other}"),
        Ok(()) => None,
    }
}

async fn one(store: &dyn Store, change: Change) -> Option<Conflict> {
    conflict(store.commit(&[change]).await)
}

/// Runs every case on a fresh store that `$open` makes.
#[macro_export]
macro_rules! contract {
    ($open:expr) => {
        $crate::contract!($open,
            identities_come_back_as_they_went_in
            taken_values_are_refused_and_nothing_is_half_done
            a_change_names_the_version_it_was_made_from
            deleting_an_identity_takes_everything_with_it
            people_are_found_by_what_they_type_and_by_their_links
            the_first_people_are_found_in_the_order_of_what_they_type
            identities_are_paged_by_key
            sessions_live_and_end
            the_last_use_of_a_session_is_noted_and_changes_nothing_else
            a_session_has_its_own_place_in_the_status_lists_for_ever
            a_status_list_refuses_sessions_that_are_over
            a_session_elsewhere_is_given_one_place_for_ever
            sessions_elsewhere_are_taken_by_one_at_a_time_and_the_longest_unasked_first
            sessions_elsewhere_that_are_over_are_refused_until_they_are_swept
            sessions_elsewhere_that_changed_are_asked_about_next
            a_session_needs_an_active_identity
            sessions_are_listed_newest_first
            a_flow_is_used_once
            codes_are_replaced_and_used_once
            an_attempt_takes_its_place_at_all_counters_or_at_none
            no_more_attempts_find_a_place_at_once_than_one_after_the_other
            an_attempt_while_earlier_ones_are_forgotten_is_taken
            messages_wait_until_they_are_sent
            what_became_of_messages_is_told_without_what_they_say
            key_sets_keep_their_order
            an_admin_token_is_found_by_its_hash_until_it_is_deleted
            entries_of_the_record_are_put_in_one_order_that_proves_them
            entries_of_the_record_are_found_by_their_parts
            old_entries_of_the_record_are_swept_from_its_beginning
            a_sink_is_taken_by_one_node_at_a_time_and_begins_where_the_record_was
            deliveries_go_one_after_the_other_where_they_are_about_the_same
            what_was_given_up_is_listed_and_delivered_once_more
            what_waits_is_tried_at_once_when_that_is_asked_for
            sinks_are_forgotten_and_what_is_swept_is_delivered_no_more
            revisions_follow_each_other
            the_version_tells_of_changes_to_keys_and_configuration
            what_was_judged_by_another_version_is_refused
            what_ended_is_swept_in_batches
            a_refused_change_undoes_those_before_it
            an_abandoned_commit_is_all_or_nothing
            of_two_changes_at_once_one_wins
        );
    };
    ($open:expr, $($case:ident)*) => {
        $(#[tokio::test]
        async fn $case() {
            // An engine whose server is not there has nothing to prove.
            let Some((store, _keep)) = $open.await else { return };
            $crate::contract::$case(&store).await;
        })*
    };
}
