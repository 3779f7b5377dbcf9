//! How somebody goes on in a flow of another kind: whoever another provider vouches for signs up where they have no
//! account, signs in where they have one, and signs in once more where it is another way that opens it.
//!
//! A new flow takes the place of the one that they leave, in one change.

use serde_json::json;
use sessera_model::AssuranceLevel;

use crate::flows::error::FlowError;
use crate::flows::flow::{Beginning, Details, Flow, LoginDetails, RegistrationDetails, Standing, State};
use crate::flows::method::{Crossing, WaysIn};
use crate::flows::skeleton::{Begun, Flows, Kind, Outcome};
use crate::flows::{login, registration};
use crate::messages::{Message, common};

/// Where somebody has come to who goes on in a flow of another kind.
#[derive(Debug)]
pub enum Crossed {
    /// They sign in.
    Login(Outcome<LoginDetails>),
    /// They sign up.
    Registration(Outcome<RegistrationDetails>),
}

/// Goes on in the other flow, until that is the right one.
pub async fn cross(flows: &Flows<'_>, mut crossing: Crossing) -> Result<Crossed, FlowError> {
    loop {
        let crossed = Box::pin(step(flows, crossing)).await?;
        crossing = match crossed {
            Crossed::Login(Outcome::Crosses(next)) | Crossed::Registration(Outcome::Crosses(next)) => next,
            arrived => return Ok(arrived),
        };
    }
}

async fn step(flows: &Flows<'_>, crossing: Crossing) -> Result<Crossed, FlowError> {
    Ok(match crossing {
        Crossing::SignUp { flow, newcomer } => {
            let is_on = flows.visit.rules.registration.enabled;
            if !is_on && !registration::has_account(flows, &newcomer).await? {
                let why = "Nobody can sign up here, and no account has this way to sign in.";
                return Ok(Crossed::Login(flows.refuse(*flow, Message::invalid(why)).await?));
            }
            let begun = RegistrationDetails::start(flows, beginning(flows, &flow), ()).await?;
            let begun = take_place(flows, begun, &flow).await?;
            Crossed::Registration(registration::sign_up(flows, begun, *newcomer).await?)
        }
        Crossing::SignIn { flow, proven } => {
            let begun = Flow::begin(beginning(flows, &flow), State::ChooseMethod, signing_in());
            let begun = take_place(flows, begun, &flow).await?;
            Crossed::Login(login::end(flows, begun, *proven).await?)
        }
        Crossing::Link { flow, link, provider, ways_in } => {
            let mut begun = login::begin(flows, beginning(flows, &flow), signing_in()).await?;
            begun.flow.details.active = Some(link.proof.method.to_string());
            begun.flow.say(to_link(flows, &link.identifier, &provider, &ways_in));
            begun.flow.details.link = Some(*link);
            let begun = take_place(flows, begun, &flow).await?;
            let shown = flows.shown(begun, None).await?;
            Crossed::Login(Outcome::Shown(Box::new(shown), Standing::Refused))
        }
    })
}

fn signing_in() -> LoginDetails {
    LoginDetails::new(AssuranceLevel::Aal1, false, None)
}

/// How a flow begins that takes the place of another one: in the same browser, with the same address.
fn beginning<D: Details>(flows: &Flows<'_>, left: &Flow<D>) -> Beginning {
    Beginning {
        id: flows.visit.accounts.random.uuid(),
        transport: left.transport,
        now: flows.visit.now,
        expires_at: left.expires_at,
        request_url: left.request_url.clone(),
        return_to: left.return_to.clone(),
        browser: left.browser,
    }
}

/// Stores a flow in place of the one that somebody leaves, with what belongs to the person who goes on.
async fn take_place<L: Details, D: Kind>(
    flows: &Flows<'_>,
    begun: impl Into<Begun<D>>,
    left: &Flow<L>,
) -> Result<Flow<D>, FlowError> {
    let Begun { flow: mut begun, mut changes } = begun.into();
    // Whoever must be asked before such a flow is asked however it begins.
    flows.before_begun(&begun, None).await?;
    begun.exchange = left.exchange;
    begun.is_back = left.is_back;
    begun.transient_payload.clone_from(&left.transient_payload);
    changes.extend([left.consume(), begun.insert()?]);
    flows.visit.commit(&changes).await.map_err(FlowError::outrun)?;
    begun.version = 1;
    Ok(begun)
}

/// What is said to somebody who has an account with an identifier that a provider named.
fn to_link(flows: &Flows<'_>, identifier: &str, provider: &str, ways_in: &WaysIn) -> Message {
    let rules = flows.visit.rules;
    let sign_in = match &rules.login.page {
        Some(page) => page.to_string(),
        None => rules.url("self-service/login/browser"),
    };
    Message::with_context(
        common::SIGN_IN_TO_LINK,
        json!({
            "available_credential_types": ways_in.methods,
            "available_providers": ways_in.providers,
            "duplicateIdentifier": identifier,
            "duplicate_identifier": identifier,
            "newLoginUrl": sign_in,
            "new_login_url": sign_in,
            "provider": provider,
        }),
    )
}
