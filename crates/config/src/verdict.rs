//! What becomes of a key or a hook of Kratos that Sessera does not act on.

/// What it means that a key has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody misses anything. Nothing is said.
    Harmless,
    /// Something that the key adds is not there. Whoever sets it is warned.
    WithoutEffect,
    /// Something that the key forbids is allowed, or something that it hides is told. The configuration is
    /// refused, unless its author says that this is known.
    Restricting,
}

/// How somebody says that they know what becomes of a key that is refused.
pub(crate) fn way_out(key: &str) -> String {
    format!(
        "or say that you know: put \"{key}\" into accept_unsupported, or start with --accept-unsupported {key}"
    )
}
