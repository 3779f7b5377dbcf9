//! `gateway`: tokens for apps behind a proxy, which asks about each request.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::kind::Kind;
use crate::nearest::no_choice;
use crate::problem::Findings;
use crate::section::{choice, section};
use crate::setting::Setting;

section! {
    /// Tokens for apps behind a proxy, which asks about each request; see proxies/.
    pub struct Gateway {
        /// How the questions of a proxy are judged, by the name that the question gives. The route `default` judges those that name none.
        routes: BTreeMap<String, Route>,
    }
}

section! {
    /// How the questions of a proxy are judged.
    pub struct Route {
        /// The tokenizer template whose token the app gets. Default: none, so that the session is only checked.
        template: Option<String>,
        /// The header of the app's request with the token: in Authorization it stands behind Bearer, in any other one alone.
        header: String = "Authorization",
        /// Whether a session is needed (required), or requests without one pass, too, without the headers (optional).
        @restricts session: Demand = "required",
        /// Which factors the session must have proven: `aal1`, `aal2`, or `highest_available` of those that its owner has set up, which an upstream alone knows, so with one it is refused. Default: as `session.whoami.required_aal`.
        @restricts aal: Option<RouteAal>,
        /// The identity schemas of which people may pass. Default: all.
        @restricts schema_ids: Vec<String>,
        /// What somebody without the session that is needed is answered: redirect sends browsers that open a page to sign in and back, and answers all others with 401; 401 answers everybody so.
        on_missing: OnMissing = "redirect",
        /// Headers of the app's request with the claims that they carry, such as `X-User-Id: sub`, for apps that check no token.
        headers: BTreeMap<String, String>,
        /// How long a token is given again, for at most half of its life; 0s makes one for each request.
        reuse: Duration [0..=3_600_000] = "30s",
        /// What becomes of preflights of other origins, which come without cookies: pass lets them through to the app, without the headers; check judges them like all others.
        @restricts preflight: Preflight = "pass",
    }
}

choice! {
    /// Whether a route needs a session.
    pub enum Demand {
        /// It does.
        Required = "required",
        /// Requests without one pass, too.
        Optional = "optional",
    }
}

choice! {
    /// Which factors a session must have proven.
    pub enum RouteAal {
        /// One.
        Aal1 = "aal1",
        /// Two.
        Aal2 = "aal2",
        /// All that its owner has set up.
        HighestAvailable = "highest_available",
    }
}

choice! {
    /// What becomes of preflights of other origins.
    pub enum Preflight {
        /// They pass.
        Pass = "pass",
        /// They are judged like all others.
        Check = "check",
    }
}

/// What somebody without the session that is needed is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMissing {
    /// Browsers that open a page are sent to sign in, and all others are refused.
    #[default]
    Redirect,
    /// Everybody is refused.
    Refuse,
}

impl Setting for OnMissing {
    const KIND: Kind = Kind::Choice(&["redirect", "401"]);

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        // YAML reads 401 as a number.
        if value.as_str() == Some("redirect") {
            Some(Self::Redirect)
        } else if value.as_str() == Some("401") || value.as_u64() == Some(401) {
            Some(Self::Refuse)
        } else {
            found.wrong(at, no_choice(value, &["redirect", "401"]));
            None
        }
    }
}
