//! What went wrong in the crates below, as answers.

use serde_json::{Value, json};
use sessera_accounts::flows::error::FlowError;
use sessera_accounts::flows::flow::{BegunVerification, Transport};
use sessera_accounts::flows::visit::MAX_RETURN_TO;
use sessera_accounts::hooks::answer::Notice;
use sessera_accounts::hooks::calls::HookFailure;
use sessera_accounts::identities::IdentityError;
use sessera_accounts::imports::ImportError;
use sessera_accounts::password::PasswordError;
use sessera_accounts::providers::ProviderError;
use sessera_issuer::IssuerError;
use sessera_issuer::key_sets::KeySetsError;
use sessera_issuer::managed_keys::{ManagedKeysError, Refusal};
use sessera_issuer::templates::Broken;
use sessera_model::shell::command;
use sessera_node::admin_tokens::AdminTokenError;
use sessera_node::sinks::SinkError;
use sessera_store::{Conflict, FlowKind, StoreError};

use super::ApiError;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(Conflict::Missing) => {
                Self::not_found("The record does not exist. It may have been deleted.")
            }
            StoreError::Conflict(Conflict::Changed) => Self::conflict(
                "The record was changed by another request in the meantime. Read it again and repeat the change.",
            ),
            StoreError::Conflict(Conflict::Unstorable) => {
                Self::bad_request("A text holds a NUL character (\\u0000). Send it without.")
            }
            StoreError::Conflict(taken) => Self::conflict(format!(
                "This identity conflicts with another one that already exists: {taken}. Use another value or change the other identity first."
            )),
            StoreError::Unavailable(what) => {
                tracing::warn!(error = %what, "the database is not available");
                Self::unavailable("The database does not answer right now. Try again shortly.")
            }
            StoreError::NotWritable(what) => {
                tracing::error!(error = %what, "the database cannot be written");
                Self::unavailable(
                    "The database cannot be written right now. Nothing was changed; try again later. The log of the server has the reason.",
                )
            }
            other => Self::internal(other),
        }
    }
}

/// The words of an error with a capital letter, as the beginning of a sentence.
fn sentence(error: &impl std::fmt::Display) -> String {
    let mut words = error.to_string();
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => {
                Self::unavailable("Too many passwords are being checked right now. Try again in a moment.")
            }
            PasswordError::Internal(what) => Self::internal(what),
            other => Self::bad_request(format!("{}.", sentence(&other))),
        }
    }
}

impl From<IdentityError> for ApiError {
    fn from(error: IdentityError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Password(error) => error.into(),
            other => Self::bad_request(other.to_string()),
        }
    }
}

/// What to do where flows of a kind are off.
const fn off(kind: FlowKind) -> &'static str {
    match kind {
        FlowKind::Registration => {
            "Registration is off. Ask the administrator for an account, or switch it on with selfservice.flows.registration.enabled."
        }
        FlowKind::Recovery => {
            "Recovery is off. Ask the administrator for help, or switch it on with selfservice.flows.recovery.enabled and configure courier.smtp.connection_uri."
        }
        FlowKind::Verification => {
            "Verification is off. Switch it on with selfservice.flows.verification.enabled and configure courier.smtp.connection_uri."
        }
        _ => "Flows of this kind are off.",
    }
}

impl From<FlowError> for ApiError {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Off(kind) => Self::bad_request(off(kind)).with_id("self_service_flow_disabled"),
            FlowError::MethodOff => Self::not_found(
                "The method is off. Choose one that the form offers, or switch it on below selfservice.methods.",
            ),
            FlowError::MissingId => {
                Self::bad_request("The id of the flow is missing. Begin a flow and send its id along.")
            }
            FlowError::Unknown => Self::not_found(
                "There is no such flow. It was completed, has ended long ago or never existed; begin a new one.",
            ),
            FlowError::Ended { transport, again, return_to } => {
                let word = match transport {
                    Transport::Api => "api",
                    Transport::Browser => "redirect_to",
                };
                Self::gone("The flow has ended, because it was not completed in time. Begin a new one.")
                    .with_id("self_service_flow_expired")
                    .with_details(json!({ word: again, "return_to": return_to.unwrap_or_default() }))
            }
            FlowError::SchemaGone => Self::gone(
                "The identity schema of this flow is not configured any more. Begin a new flow.",
            ),
            FlowError::AnotherBrowser => Self::forbidden(
                "The form does not belong to this browser, or cookies are blocked. Begin the flow again and allow cookies.",
            )
            .with_id("security_csrf_violation"),
            FlowError::AnotherPerson => {
                Self::forbidden("The flow was begun by somebody else. Begin a new one.")
                    .with_id("security_identity_mismatch")
            }
            FlowError::ReturnNotAllowed => Self::bad_request(
                "The address in return_to is not allowed. Add it to selfservice.allowed_return_urls or leave it out.",
            )
            .with_id("self_service_flow_return_to_forbidden"),
            FlowError::ReturnTooLong => Self::bad_request(format!(
                "The address in return_to is too long: {MAX_RETURN_TO} bytes at the most. Keep what it says elsewhere, and send its id along."
            ))
            .with_id("self_service_flow_return_to_forbidden"),
            FlowError::SignedInAlready(_) => Self::bad_request(
                "A session is there already. Sign out first, or ask for refresh=true to sign in again.",
            )
            .with_id("session_already_available"),
            FlowError::NotSignedIn => Self::unauthorized().with_id("session_inactive"),
            FlowError::OwnerGone => Self::unauthorized(),
            FlowError::FirstFactorMissing => Self::unproven(
                "Sign in with the first factor, then ask for aal2 with that session.",
            )
            .with_message("A second factor can only be given with a session.")
            .with_id("session_aal1_required"),
            FlowError::SecondFactorMissing { sign_in } => Self::forbidden(
                "Settings need the second factor. Ask for it with a login flow with aal=aal2.",
            )
            .with_id("session_aal2_required")
            .with_proof_at(sign_in),
            FlowError::SignInTooOld { sign_in } => Self::forbidden(
                "The sign-in is too old for this change. Sign in again with a login flow with refresh=true, then repeat the change.",
            )
            .with_id("session_refresh_required")
            .with_proof_at(sign_in),
            FlowError::AddressNotVerified { begun, .. } => not_verified(begun.as_ref()),
            FlowError::RefusedByHook(notices) => refused_by_hook(&notices),
            FlowError::Hook(failure) => failure.into(),
            FlowError::TooMany(wait) => Self::too_many_requests(wait),
            FlowError::Outrun => Self::conflict(
                "Another request has used this flow or code just now. Read the flow again, or begin a new one.",
            ),
            FlowError::CompletedElsewhere => Self::conflict(
                "Another request has completed this flow just now. Sign in, or begin a new flow.",
            ),
            FlowError::NoSuchProvider => Self::not_found(
                "There is no provider of that name. Choose one that the form offers, or add it under selfservice.methods.oidc.config.providers.",
            ),
            FlowError::NoTrip => Self::bad_request(
                "The answer of the provider does not belong to this browser, or has been used already. Begin again, in one browser that allows cookies.",
            ),
            FlowError::Provider { provider, error, .. } => asked(&provider, &error),
            FlowError::Mapper { provider, problem } => {
                tracing::error!(provider, problem, "the mapper of a provider makes no identity");
                Self::server_error(
                    "The mapper of the provider makes no identity of what the provider says. The log of the server says why.",
                )
            }
            FlowError::Store(error) => error.into(),
            FlowError::PasswordElsewhere => Self::server_error(
                "Another system keeps the password of this account, and the server is not told which. Ask its administrator to set selfservice.methods.password.config.migrate_hook.",
            ),
            FlowError::Password(error) => error.into(),
            FlowError::Identity(error) => error.into(),
            FlowError::Internal(what) => Self::internal(what),
        }
    }
}

/// What is told of a provider that vouches for nobody. The log has the rest.
fn asked(provider: &str, error: &ProviderError) -> ApiError {
    tracing::warn!(provider, %error, "a provider vouches for nobody");
    match error {
        ProviderError::Misconfigured(_) => ApiError::server_error(
            "The provider cannot be asked. Try another way to sign in; the log of the server says what is wrong with selfservice.methods.oidc.config.providers.",
        )
        .with_message("The provider is not there, or not where the configuration says.")
        .with_id("invalid_configuration"),
        ProviderError::NotTaken(why) => {
            ApiError::bad_gateway(why.clone()).with_message("What the app brought along is not taken.")
        }
        ProviderError::Failed(_) | ProviderError::Refused(_) => ApiError::bad_gateway(
            "The provider did not answer as it should. Try again, or another way to sign in; the log of the server says more.",
        ),
    }
}

/// What a client is told when a web hook refuses that a flow is begun.
fn refused_by_hook(notices: &[Notice]) -> ApiError {
    let said: Vec<String> = notices.iter().map(|notice| notice.message.text()).collect();
    let messages: Vec<Value> = notices.iter().map(|notice| notice.message.to_json()).collect();
    ApiError::bad_request(said.join(" "))
        .with_message("The flow cannot be begun.")
        .with_details(json!({ "messages": messages }))
}

impl From<HookFailure> for ApiError {
    fn from(failure: HookFailure) -> Self {
        match failure {
            HookFailure::TimedOut => Self::others_too_slow(
                "A service that must be asked about this did not answer in time. Try again in a moment; the log of the server says more.",
            ),
            HookFailure::Unanswered => Self::bad_gateway(
                "A service that must be asked about this did not answer well. Try again in a moment; the log of the server says more.",
            ),
            HookFailure::Unreadable => Self::bad_request(
                "A service that must be asked about this gave an answer that cannot be used. The log of the server says more.",
            )
            .with_message("Another service did not answer well."),
            HookFailure::NoReason => Self::bad_request(
                "A service that must be asked about this refused it without messages that could be shown. Its answer needs \"messages\", as docs/hooks.md has it; the log of the server says what it answered.",
            )
            .with_message("Another service refused this without saying why."),
            HookFailure::Broken => Self::server_error(
                "What a service is to be told about this cannot be made. The log of the server says more.",
            ),
        }
    }
}

/// What somebody is told who has proven who they are and has no verified address.
fn not_verified(begun: Option<&BegunVerification>) -> ApiError {
    let error = match begun {
        Some(_) => ApiError::forbidden(
            "None of your addresses is verified. A code was sent to one of them: type it into the form that details.continue_with names, then sign in.",
        ),
        None => ApiError::forbidden(
            "None of your addresses is verified, and there is none to which a code could be sent. Ask the administrator for help.",
        ),
    };
    let error = error
        .with_message("Only verified addresses may sign in.")
        .with_id("session_verified_address_required");
    match begun {
        Some(begun) => error.with_details(json!({ "continue_with": [show_verification(begun)] })),
        None => error,
    }
}

/// What tells a client to show the form for verification.
pub fn show_verification(begun: &BegunVerification) -> Value {
    json!({
        "action": "show_verification_ui",
        "flow": { "id": begun.flow_id, "verifiable_address": begun.address, "url": begun.page },
    })
}

impl From<IssuerError> for ApiError {
    fn from(error: IssuerError) -> Self {
        match error {
            IssuerError::NoSession => Self::unauthorized(),
            IssuerError::SecondFactorNeeded => Self::forbidden(
                "The session has proven one factor, but its owner has set up a second one. Ask for it with a login flow with aal=aal2.",
            )
            .with_id("session_aal2_required"),
            IssuerError::NoSuchTemplate(name) => {
                let shown: String = name.chars().take(128).collect();
                Self::bad_request(format!(
                    "There is no tokenizer template \"{shown}\". Add it under /session/whoami/tokenizer/templates or check tokenize_as."
                ))
            }
            IssuerError::BrokenTemplate { template, broken } => broken_template(&template, &broken),
            IssuerError::Refused { template, reason } => Self::bad_request(format!(
                "The template \"{template}\" cannot be used for this session: {reason}. The log of the server has the details."
            ))
            .with_message("The session could not be made a token."),
            IssuerError::KeyUnavailable => {
                Self::unavailable("The key of the template does not sign right now. Try again shortly.")
            }
            IssuerError::NoLease(refusal) => refusal.into(),
            IssuerError::Upstream(error) => error.into(),
            IssuerError::Store(error) => error.into(),
            IssuerError::Internal(what) => Self::internal(what),
        }
    }
}

fn broken_template(name: &str, broken: &Broken) -> ApiError {
    let reason = |what: &str| {
        format!("The template \"{name}\" cannot be used: {what}. The log of the server has the details.")
    };
    let error = match broken {
        Broken::Template(_) => ApiError::bad_request(reason("its configuration is malformed")),
        Broken::Load(error) if error.is_unreadable() => ApiError::server_error(reason(&error.public())),
        Broken::Load(error) => ApiError::bad_request(reason(&error.public())),
        Broken::Upstream { .. } => ApiError::bad_request(reason(&broken.to_string())),
    };
    error.with_message("The tokenizer template cannot be used.")
}

impl From<KeySetsError> for ApiError {
    fn from(error: KeySetsError) -> Self {
        match error {
            KeySetsError::Name => Self::bad_request(format!("{}. Choose another one.", sentence(&error))),
            KeySetsError::NoSuchSet(name) => Self::not_found(format!(
                "There is no key set \"{name}\". Create it with POST /admin/keys/{name} or \"{}\".",
                command("create jwk", &[&name], &[("--alg", "ES256")])
            )),
            KeySetsError::NoSuchKey { set, kid } => Self::not_found(format!(
                "The key set \"{set}\" has no key \"{kid}\". List its keys with GET /admin/keys/{set}."
            )),
            KeySetsError::Managed(name) => Self::conflict(format!(
                "The key set \"{name}\" is managed: its keys are made and ended by rotation. Change it with \"{}\" or \"{}\".",
                command("rotate jwk", &[&name], &[]),
                command("revoke jwk", &[&name, "KID"], &[])
            )),
            KeySetsError::TooManyKeys => {
                Self::bad_request(format!("{}. Delete those that are no longer needed.", sentence(&error)))
            }
            KeySetsError::KidTaken(_) => {
                Self::conflict(format!("{}. Choose another kid.", sentence(&error)))
            }
            KeySetsError::KidClash(_) => Self::conflict(format!("{}.", sentence(&error))),
            KeySetsError::OtherVersion => Self::precondition_failed(
                "The key set has another version than the header If-Match says. Read the set again and repeat the change.",
            )
            .with_message("The key set was changed in the meantime."),
            KeySetsError::InUse { .. } => {
                Self::conflict(format!("{}. Give the template another set first.", sentence(&error)))
            }
            KeySetsError::WouldBreak { .. } => {
                Self::conflict(format!("{}. Change the template first.", sentence(&error)))
            }
            KeySetsError::Key(error) => Self::bad_request(format!("The key cannot be used: {error}.")),
            KeySetsError::Unreadable(error) => Self::internal(error),
            KeySetsError::Store(error) => error.into(),
        }
    }
}

impl From<ManagedKeysError> for ApiError {
    fn from(error: ManagedKeysError) -> Self {
        match error {
            ManagedKeysError::NoAlgorithm => {
                Self::bad_request("The body needs the member alg, for example \"ES256\".")
            }
            ManagedKeysError::Exists { name, period } => Self::conflict(format!(
                "There is a key set \"{name}\" already. Make it a managed one with \"{}\", or choose another name.",
                command("adopt jwk", &[&name], &[("--rotate", &period.to_string())])
            )),
            ManagedKeysError::NotManaged(name) => Self::conflict(format!(
                "The key set \"{name}\" is not managed: its first key signs until you put another one first. Make it a managed one with \"{}\".",
                command("adopt jwk", &[&name], &[("--rotate", "720h")])
            )),
            ManagedKeysError::AlreadyManaged(name) => Self::conflict(format!(
                "The key set \"{name}\" is managed already. See its keys with \"{}\".",
                command("get jwk", &[&name], &[("--states", "")])
            )),
            error @ (ManagedKeysError::Symmetric(_)
            | ManagedKeysError::Mixed(_)
            | ManagedKeysError::Timing(_)) => {
                Self::bad_request(format!("The set cannot be managed: {error}."))
            }
            ManagedKeysError::Revoke(error) => {
                Self::not_found(format!("The key cannot be revoked: {error}."))
            }
            ManagedKeysError::Key(error) => KeySetsError::Key(error).into(),
            ManagedKeysError::Store(StoreError::Conflict(Conflict::Changed)) => {
                Self::conflict("The key set was changed at the same time. Look at it and try again.")
            }
            ManagedKeysError::Store(error) => error.into(),
        }
    }
}

impl From<SinkError> for ApiError {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Unknown(_) => Self::not_found(format!(
                "{}. Those of events.sinks are listed by GET /admin/sinks.",
                sentence(&error)
            )),
            SinkError::NoEntry { .. } => Self::bad_request(format!(
                "{}. Send the number of an entry, or 0 for all that are kept.",
                sentence(&error)
            )),
            SinkError::Store(error) => error.into(),
        }
    }
}

impl From<AdminTokenError> for ApiError {
    fn from(error: AdminTokenError) -> Self {
        let words = sentence(&error);
        match error {
            AdminTokenError::Name | AdminTokenError::Over => Self::bad_request(format!("{words}.")),
            AdminTokenError::Taken(_) => {
                Self::conflict(format!("{words}. Choose another name, or delete that one first."))
            }
            AdminTokenError::TooMany => Self::conflict(format!("{words}.")),
            AdminTokenError::Missing(_) => {
                Self::not_found(format!("{words}. List them with \"sessera list admin-tokens\"."))
            }
            AdminTokenError::Store(error) => error.into(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::unavailable(match refusal {
            Refusal::Unconfirmed => {
                "This node could not confirm which keys are good, so it does not sign. Try again, or ask another node."
            }
            Refusal::Clock => {
                "The clock of this node differs too much from the database's, so it does not sign. Try again, or ask another node."
            }
        })
    }
}
