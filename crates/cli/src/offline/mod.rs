//! What commands share that need no running server.

pub(crate) mod check;
pub(crate) mod session;
pub(crate) mod template;
pub(crate) mod times;
