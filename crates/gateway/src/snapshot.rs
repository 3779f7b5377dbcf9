//! What questions are judged by.

use std::sync::{Arc, Mutex, PoisonError};

use sessera_accounts::flows::visit::MAX_RETURN_TO;
use sessera_accounts::rules::Rules;
use sessera_config::{Config, TrustedProxies};
use sessera_issuer::Compiled;
use sessera_model::{Clock as _, LogThrottle, SystemClock};
use url::Url;

use crate::routes::Routes;

/// Where signing in begins, below the address of whoever does it.
const SIGN_IN: &str = "self-service/login/browser";

/// What questions are judged by. It never changes; a new configuration makes a new one.
pub struct Snapshot {
    /// How they are judged.
    pub routes: Routes,
    /// Who may ask.
    pub trusted: TrustedProxies,
    /// Templates and keys.
    pub issuer: Arc<Compiled>,
    /// What the configuration says about accounts.
    accounts: Arc<sessera_accounts::Snapshot>,
    /// The address below which people sign in, ending in a slash.
    sign_in: String,
    /// Whether they do so over https.
    is_https: bool,
    /// What the log has told of late.
    quiet: Mutex<LogThrottle>,
}

impl Snapshot {
    /// Compiles a configuration, which was judged before.
    pub fn compile(
        config: &Config,
        issuer: Arc<Compiled>,
        accounts: Arc<sessera_accounts::Snapshot>,
    ) -> Self {
        let sign_in = config.sign_in_base().to_owned();
        Self {
            routes: Routes::compile(&config.gateway),
            trusted: config.gateway.trusted.clone(),
            is_https: sign_in.starts_with("https:"),
            sign_in,
            issuer,
            accounts,
            quiet: Mutex::default(),
        }
    }

    /// Whether the log is to tell of a kind of trouble now.
    pub(crate) fn may_tell(&self, kind: &str) -> bool {
        // No code panics while it holds this lock.
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        quiet.may_tell(kind, SystemClock.now())
    }

    /// The rules of accounts.
    pub fn rules(&self) -> &Rules {
        &self.accounts.rules
    }

    /// Whether people sign in over https.
    pub const fn is_https(&self) -> bool {
        self.is_https
    }

    /// Where somebody signs in who comes back to `original`, when people may be sent back there.
    pub fn sign_in(&self, original: Option<&str>) -> String {
        self.with_return(format!("{}{SIGN_IN}", self.sign_in), original)
    }

    /// Where somebody gives a second factor who comes back to `original`, when people may be sent back there. An
    /// upstream may have `told` where that is.
    pub fn second_factor(&self, told: Option<&str>, original: Option<&str>) -> String {
        let own = || format!("{}{SIGN_IN}?aal=aal2", self.sign_in);
        self.with_return(told.map_or_else(own, str::to_owned), original)
    }

    fn with_return(&self, page: String, original: Option<&str>) -> String {
        let original = original.filter(|original| original.len() <= MAX_RETURN_TO);
        let Some(back) = original.and_then(|original| self.rules().checked_return(original)) else {
            return page;
        };
        match Url::parse(&page) {
            Ok(mut url) => {
                url.query_pairs_mut().append_pair("return_to", &back);
                url.into()
            }
            Err(_) => page,
        }
    }
}
