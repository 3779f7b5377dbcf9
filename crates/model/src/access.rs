//! Who may do what at the admin API.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What somebody may do at the admin API. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads everything but secrets.
    Viewer,
    /// Changes sessions, identities and tokenizer templates.
    Operator,
    /// Does everything: keys, secrets, admin tokens and the rest of the configuration too.
    Owner,
}

impl Role {
    /// All roles, the one that may do least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Owner];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the role is none of viewer, operator and owner")]
pub struct NoSuchRole;

impl FromStr for Role {
    type Err = NoSuchRole;

    fn from_str(word: &str) -> Result<Self, NoSuchRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or(NoSuchRole)
    }
}

/// Who asks the admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody with an admin token, which has a name and a role.
    Token {
        /// Its name.
        name: String,
        /// Its role.
        role: Role,
    },
    /// Somebody with a token of `serve.admin.token`.
    Configured,
    /// Somebody who was asked for no token, because none is configured.
    Anybody,
}

impl Actor {
    /// What they may do.
    pub const fn role(&self) -> Role {
        match self {
            Self::Token { role, .. } => *role,
            // Who writes the configuration, or reaches a port that it leaves open, has everything anyway.
            Self::Configured | Self::Anybody => Role::Owner,
        }
    }

    /// Whether they may do what needs a role.
    pub fn may(&self, needed: Role) -> bool {
        self.role() >= needed
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token { name, .. } => write!(f, "the admin token \"{name}\""),
            Self::Configured => f.write_str("a token of serve.admin.token"),
            Self::Anybody => f.write_str("somebody without a token"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        let may = |role, needed| Actor::Token { name: "n".into(), role }.may(needed);
        for (place, role) in Role::ALL.into_iter().enumerate() {
            for (other, needed) in Role::ALL.into_iter().enumerate() {
                assert_eq!(may(role, needed), place >= other, "{role} {needed}");
            }
            assert_eq!(role.as_str().parse(), Ok(role));
            assert!(Actor::Configured.may(role) && Actor::Anybody.may(role));
        }
        assert_eq!("Owner".parse::<Role>(), Err(NoSuchRole));
    }
}
