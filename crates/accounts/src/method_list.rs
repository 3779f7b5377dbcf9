//! The list of the sign-in methods.

/// Hands the names of all methods to a macro. Each is a folder of `methods`, and a submission goes to the
/// first one that takes it.
macro_rules! for_all_methods {
    ($then:ident) => {
        $then! { lookup_secret, passkey, webauthn, totp, profile, identifier_first, password, code, link, oidc, }
    };
}

pub(crate) use for_all_methods;
